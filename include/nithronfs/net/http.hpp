// HTTP as the rest of the house sees it: start a request, receive its body as it arrives, cancel it.
// The only door to libcurl.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nithronfs/util/cancel.hpp"
#include "nithronfs/util/result.hpp"
#include "nithronfs/util/seams.hpp"
#include "nithronfs/util/task.hpp"

namespace nithronfs::net {

// Order of service. Lower classes leave connections free for the higher ones and are paused first.
enum class Priority { foreground, readahead, background };

struct Header {
  std::string name;
  std::string value;
};

struct Request {
  std::string method = "GET";
  std::string url;  // absolute; http:// only to loopback unless ClientOptions::insecure
  std::vector<Header> headers;
  std::string body;
  Priority priority = Priority::foreground;
  // Safe to send again when no answer came (GET, HEAD, PROPFIND, OPTIONS). Others are sent once.
  bool repeatable = true;
  // From start to the last byte, waits and repeats included. Zero: no limit but the stall time.
  Nanos deadline{0};
  // Longest time without a byte from the server before the request fails with timed_out. Zero: the client's.
  Nanos stall{0};
};

struct ResponseHead {
  int status = 0;
  std::vector<Header> headers;
  // First header of that name, case-insensitive.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
};

enum class Flow {
  proceed,
  pause,  // these bytes were taken; no more until HttpClient::resume
  stop,   // end the transfer; on_done receives Errc::cancelled
};

// Receives one response. All calls come from the net thread, in the order head, data*, done, and must not
// block. on_done is called exactly once, always; after it the client forgets the receiver.
class Receiver {
 public:
  virtual ~Receiver() = default;
  // Once per request: answers that are repeated or followed inside the client (redirects, retries) do not
  // show.
  virtual Flow on_head(const ResponseHead& head) = 0;
  // The span is valid during the call only.
  virtual Flow on_data(std::span<const std::byte> bytes) = 0;
  // Success means: the body was complete (Content-Length or final chunk seen), whatever the status.
  virtual void on_done(Result<void> outcome) = 0;
};

enum class CallId : std::uint64_t { none = 0 };

// A collected response.
struct Response {
  ResponseHead head;
  std::string body;
};

// Thread-safe.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual CallId start(Request request, std::shared_ptr<Receiver> receiver) = 0;
  // on_done follows with Errc::cancelled, unless the call has ended already.
  virtual void cancel(CallId call) = 0;
  // After Flow::pause.
  virtual void resume(CallId call) = 0;
  // Forgets broken connections and what is known about the host being away; after a network change.
  virtual void network_changed() = 0;

  struct Counters {
    std::uint64_t requests = 0;  // sent, repeats included
    std::uint64_t connections = 0;
    std::uint64_t bytes_received = 0;  // bodies
  };
  [[nodiscard]] virtual Counters counters() const = 0;
};

struct ClientOptions {
  std::string user_agent = "nithronfs/" NITHRONFS_VERSION;
  std::string ca_file;        // PEM; empty: the system's
  std::string pinned_pubkey;  // "sha256//BASE64"; empty: none
  bool insecure = false;      // allow http:// to hosts that are not loopback
  Nanos connect_timeout = std::chrono::seconds(10);
  Nanos stall_timeout = std::chrono::seconds(30);
  // Requests on the wire at a time, at least 2. All memory for bodies is bounded by this times twice the
  // buffer: one that libcurl receives into, and one of bytes that arrived while the transfer was being
  // paused.
  unsigned max_connections = 8;
  std::size_t buffer_size = 256 * 1024;  // per transfer, bytes, 16 to 512 KiB
};

// Owns the net thread. TLS 1.3, HTTP/2 where the server offers it, connections reused. Redirects are followed
// for GET, HEAD and PROPFIND, to the same scheme, host and port only; others end with Errc::protocol, so that
// a token never travels to another host. Repeats what is repeatable after connection failures, 429, 502, 503
// and 504, with jittered growing pauses and Retry-After, while the deadline allows and no body byte was
// handed on.
[[nodiscard]] Result<std::unique_ptr<HttpClient>> make_http_client(const ClientOptions& options, Seams seams);

// Carries cancellation and resumption to a call whose id is known only once it has started. Thread-safe; the
// client outlives it.
class CallLink {
 public:
  explicit CallLink(HttpClient& client) : client_(client) {}
  CallLink(const CallLink&) = delete;
  CallLink& operator=(const CallLink&) = delete;
  void started(CallId call);
  void cancel();
  void resume();

 private:
  HttpClient& client_;
  std::mutex mutex_;
  CallId call_ = CallId::none;  // guarded by mutex_
  bool cancel_wanted_ = false;  // guarded by mutex_: came before started()
  bool resume_wanted_ = false;  // guarded by mutex_: came before started()
};

// Collects a whole response; fails with Errc::too_large above `max_body` bytes.
[[nodiscard]] Task<Result<Response>> fetch(HttpClient& client, Request request, std::size_t max_body,
                                           CancelToken cancel = {});

}  // namespace nithronfs::net

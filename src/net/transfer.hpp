// One curl easy handle, set up once and used for many requests: the place where libcurl's options are chosen.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/curl_handles.hpp"
#include "nithronfs/net/http.hpp"

namespace nithronfs::net {

// What happens to body bytes.
enum class BodyVerdict {
  taken,
  later,  // not taken; libcurl keeps them until resume()
  abort,
};

// What a transfer reports while it runs; on the net thread.
class TransferEvents {
 public:
  virtual ~TransferEvents() = default;
  // A connection is there and the request goes out now. libcurl repeats a request by itself when a reused
  // connection turns out dead: false here forbids it.
  [[nodiscard]] virtual bool about_to_send() = 0;
  // One line of the head, or a trailer. False ends the transfer.
  [[nodiscard]] virtual bool on_header_line(std::string_view line) = 0;
  [[nodiscard]] virtual BodyVerdict on_body(std::span<const std::byte> bytes) = 0;
};

class Transfer {
 public:
  // Nothing when memory is short or libcurl refuses an option that safety rests on.
  [[nodiscard]] static std::unique_ptr<Transfer> make(const ClientOptions& options);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() = default;

  struct Target {
    const std::string& url;
    bool direct = false;  // no proxy, whatever the environment says
  };
  // Sets up one exchange. `request.body` and `events` must live until it has ended. Errors: invalid_argument
  // for a header that would not stay one line, out_of_memory.
  [[nodiscard]] Result<void> prepare(const Request& request, const Target& target, TransferEvents& events);
  // Lets go of what prepare() was given.
  void finish();
  // After BodyVerdict::later.
  void resume();

  [[nodiscard]] CURL* handle() const { return easy_.get(); }
  // The transfer that `handle` belongs to.
  [[nodiscard]] static Transfer& of(CURL* handle);
  // The events that prepare() was given.
  [[nodiscard]] TransferEvents& events() const { return *events_; }

  // After the exchange:
  [[nodiscard]] unsigned connections_opened() const;
  [[nodiscard]] int os_error() const;
  [[nodiscard]] std::string_view error_text() const { return error_text_.data(); }
  // Bytes of the request's body that are on their way.
  [[nodiscard]] std::uint64_t bytes_sent() const;

 private:
  Transfer() = default;
  [[nodiscard]] bool configure(const ClientOptions& options);
  [[nodiscard]] Result<void> set_headers(const Request& request);
  void set_method(const Request& request);

  static std::size_t header_callback(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t body_callback(char* data, std::size_t size, std::size_t count, void* self);
  static int prerequest_callback(void* self, char*, char*, int, int);

  CurlEasy easy_;
  CurlList headers_;
  TransferEvents* events_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
};

}  // namespace nithronfs::net

// One request from start to on_done: what its answers mean and what is to happen next. Knows HTTP's rules
// (redirects, repeats, lengths), not libcurl's handles.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "net/head_parser.hpp"
#include "net/outcome.hpp"
#include "net/retry.hpp"
#include "net/transfer.hpp"
#include "nithronfs/net/http.hpp"
#include "nithronfs/net/url.hpp"

namespace nithronfs::net {

class Lane;

// Written by the net thread, read by any.
struct SharedCounters {
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::uint64_t> bytes_received{0};
};

struct CallContext {
  const ClientOptions& options;
  const Clock& clock;
  Random& random;
  SharedCounters& counters;
};

// All on the net thread, except the constructor.
class Call final : public TransferEvents {
 public:
  Call(CallId id, Request request, std::shared_ptr<Receiver> receiver, SteadyTime started);

  [[nodiscard]] CallId id() const { return id_; }
  [[nodiscard]] const Request& request() const { return request_; }
  // What is meant for this machine stays on it: through a proxy, plain HTTP to loopback would leave it.
  [[nodiscard]] Transfer::Target target() const { return {.url = url_, .direct = is_loopback(origin_)}; }
  [[nodiscard]] std::string authority() const { return origin_.authority(); }
  [[nodiscard]] std::optional<SteadyTime> deadline() const;
  [[nodiscard]] Nanos stall(const ClientOptions& options) const;
  [[nodiscard]] SteadyTime last_byte() const { return last_byte_; }
  [[nodiscard]] bool paused() const { return paused_; }

  // Once, before the first exchange. Errors: invalid_argument, permission (plain HTTP).
  [[nodiscard]] Result<void> check(const ClientOptions& options);
  void begin_exchange(CallContext& context);

  struct Repeat {
    Nanos pause;
  };
  struct Follow {};  // to target(), which is the new one already
  using Next = std::variant<Result<void>, Repeat, Follow>;
  // What follows from the exchange that ended with `failure.code`.
  [[nodiscard]] Next conclude(const CurlFailure& failure);
  // Tells the receiver and lets go of it. The call is over.
  void finish(Result<void> outcome);
  void resume();
  // The request was on its way, however little.
  void note_progress() { last_byte_ = context_->clock.steady(); }

  bool about_to_send() override;
  bool on_header_line(std::string_view line) override;
  BodyVerdict on_body(std::span<const std::byte> bytes) override;

  // Where the call is at present; kept here for the loop.
  struct Place {
    std::unique_ptr<Transfer> transfer;  // null unless on the wire
    Lane* lane = nullptr;
    std::uint64_t bytes_sent = 0;  // at the last look
  };
  Place place;

 private:
  enum class Disposition {
    deliver,  // the receiver gets it
    swallow,  // something else follows; the body is read past, if it is short
    refuse,   // refusal_ says why
  };
  [[nodiscard]] bool judge_head();
  [[nodiscard]] bool judge_redirect();
  [[nodiscard]] bool refuse(Errc code, std::string message);
  [[nodiscard]] bool ends_with_the_connection() const;
  [[nodiscard]] std::optional<Nanos> pause_for(FailureKind kind, std::optional<Nanos> retry_after) const;
  [[nodiscard]] bool deliver_head();
  void apply(Flow flow);

  const CallId id_;
  Request request_;
  std::shared_ptr<Receiver> receiver_;
  const SteadyTime started_;
  std::string url_;
  Origin origin_;
  CallContext* context_ = nullptr;

  unsigned attempts_ = 0;  // exchanges begun since the last redirect
  unsigned redirects_ = 0;
  unsigned sent_ = 0;  // times the request went out, within this exchange
  bool head_delivered_ = false;
  bool paused_ = false;
  bool stopped_ = false;

  // Of the present exchange.
  HeadParser head_;
  Disposition disposition_ = Disposition::deliver;
  Error refusal_{Errc::protocol, {}};
  std::optional<Nanos> repeat_pause_;
  std::size_t swallowed_ = 0;
  SteadyTime last_byte_;
};

}  // namespace nithronfs::net

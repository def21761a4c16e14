// What of the HTTP interface is the same for every client: heads, and collecting a whole response.
#include "nithronfs/net/http.hpp"

#include <strings.h>

namespace nithronfs::net {
namespace {

class Collector final : public Receiver {
 public:
  using Done = std::move_only_function<void(Result<Response>)>;
  Collector(std::size_t max_body, Done done) : max_body_(max_body), done_(std::move(done)) {}

  Flow on_head(const ResponseHead& head) override {
    response_.head = head;
    return Flow::proceed;
  }
  Flow on_data(std::span<const std::byte> bytes) override {
    if (bytes.size() > max_body_ - response_.body.size()) {
      too_large_ = true;
      return Flow::stop;
    }
    response_.body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return Flow::proceed;
  }
  void on_done(Result<void> outcome) override {
    // The receiver may be freed by what `done_` sets going.
    auto done = std::move(done_);
    if (too_large_) {
      done(fail(Errc::too_large, "the server's answer is larger than any that makes sense here"));
    } else if (!outcome) {
      done(fail(std::move(outcome.error())));
    } else {
      done(std::move(response_));
    }
  }

 private:
  const std::size_t max_body_;
  Done done_;
  Response response_;
  bool too_large_ = false;
};

}  // namespace

std::optional<std::string_view> ResponseHead::find(std::string_view name) const {
  for (const Header& header : headers) {
    if (header.name.size() == name.size() && strncasecmp(header.name.data(), name.data(), name.size()) == 0) {
      return header.value;
    }
  }
  return std::nullopt;
}

void CallLink::started(CallId call) {
  const std::lock_guard lock(mutex_);
  call_ = call;
  if (cancel_wanted_) client_.cancel(call_);
  if (resume_wanted_) client_.resume(call_);
}

void CallLink::cancel() {
  const std::lock_guard lock(mutex_);
  cancel_wanted_ = true;
  if (call_ != CallId::none) client_.cancel(call_);
}

void CallLink::resume() {
  const std::lock_guard lock(mutex_);
  resume_wanted_ = call_ == CallId::none;
  if (call_ != CallId::none) client_.resume(call_);
}

Task<Result<Response>> fetch(HttpClient& client, Request request, std::size_t max_body, CancelToken cancel) {
  if (cancel.cancelled()) co_return fail(Errc::cancelled, "the request was cancelled");
  const auto link = std::make_shared<CallLink>(client);
  const auto registration = cancel.on_cancel([link] { link->cancel(); });
  // Named, because g++ 12 destroys a closure twice when it is a temporary of a co_await expression.
  auto start = [&client, &request, link, max_body](Callback<Result<Response>>::Done done) {
    const CallId call =
        client.start(std::move(request), std::make_shared<Collector>(max_body, std::move(done)));
    link->started(call);
  };
  Callback<Result<Response>> response(std::move(start));
  co_return co_await response;
}

}  // namespace nithronfs::net

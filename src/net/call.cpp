// Judges the head of each answer (deliver, repeat, follow, refuse) and passes bodies on accordingly.
#include "net/call.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nithronfs::net {
namespace {

constexpr unsigned kMaxRedirects = 5;
// Reading past a short body keeps the connection; a long one is cheaper to cut off.
constexpr std::size_t kMaxSwallowed = std::size_t{64} * 1024;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool is_method(std::string_view method) {
  return !method.empty() && std::ranges::all_of(method, [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace

Call::Call(CallId id, Request request, std::shared_ptr<Receiver> receiver, SteadyTime started)
    : id_(id),
      request_(std::move(request)),
      receiver_(std::move(receiver)),
      started_(started),
      url_(request_.url),
      last_byte_(started) {}

std::optional<SteadyTime> Call::deadline() const {
  if (request_.deadline <= Nanos{0}) return std::nullopt;
  return started_ + request_.deadline;
}

Nanos Call::stall(const ClientOptions& options) const {
  return request_.stall > Nanos{0} ? request_.stall : options.stall_timeout;
}

Result<void> Call::check(const ClientOptions& options) {
  if (!is_method(request_.method)) return fail(Errc::invalid_argument, "not an HTTP method");
  auto url = parse_url(url_);
  if (!url) return fail(std::move(url.error()));
  origin_ = std::move(url->origin);
  if (origin_.scheme == "http" && !options.insecure && !is_loopback(origin_)) {
    return fail(Errc::permission,
                fmt::format("http to {} would send everything, the login too, unencrypted; use "
                            "https, or the option insecure if that is meant",
                            authority()));
  }
  return {};
}

void Call::begin_exchange(CallContext& context) {
  context_ = &context;
  ++attempts_;
  if (request_.repeatable) sent_ = 0;
  head_ = HeadParser{};
  disposition_ = Disposition::deliver;
  repeat_pause_.reset();
  swallowed_ = 0;
  last_byte_ = context.clock.steady();
}

bool Call::about_to_send() {
  if (sent_ > 0 && !request_.repeatable) return false;
  ++sent_;
  context_->counters.requests.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool Call::on_header_line(std::string_view line) {
  note_progress();
  switch (head_.feed(line)) {
    case HeadParser::Step::more:
    case HeadParser::Step::ignored:
      return true;
    case HeadParser::Step::complete:
      return judge_head();
    case HeadParser::Step::bad:
      return refuse(Errc::protocol,
                    fmt::format("the head of the answer of {} is not valid, or absurdly long", authority()));
  }
  return false;
}

bool Call::judge_head() {
  const ResponseHead& head = head_.head();
  if (is_redirect(head.status)) return judge_redirect();
  if (is_transient_status(head.status) && request_.repeatable) {
    std::optional<Nanos> retry_after;
    if (const auto value = head.find("Retry-After")) {
      retry_after = parse_retry_after(*value, context_->clock.wall());
    }
    repeat_pause_ = pause_for(FailureKind::status, retry_after);
    if (repeat_pause_) disposition_ = Disposition::swallow;
    return true;
  }
  if (head.status < 300 && ends_with_the_connection()) {
    return refuse(Errc::protocol,
                  fmt::format("{} does not say how long its answer is, so that a cut one could "
                              "not be told from a whole one",
                              authority()));
  }
  return true;
}

bool Call::judge_redirect() {
  const auto location = head_.head().find("Location");
  if (!location) return refuse(Errc::protocol, fmt::format("{} redirects to nowhere", authority()));
  const std::string& method = request_.method;
  auto target = resolve_url(url_, std::string(*location));
  if (!target) return refuse(target.error().code, target.error().message);
  const auto parsed = parse_url(*target);
  if (!parsed || parsed->origin != origin_) {
    return refuse(
        Errc::protocol,
        fmt::format("{} redirects to {}, which was not followed because the login would go there too; "
                    "if the server has moved, use its new address",
                    authority(), parsed ? parsed->origin.authority() : "something unusable"));
  }
  if (method != "GET" && method != "HEAD" && method != "PROPFIND") {
    return refuse(Errc::protocol, fmt::format("{} answers {} with a redirect", authority(), method));
  }
  if (++redirects_ > kMaxRedirects) {
    return refuse(Errc::protocol, fmt::format("{} redirects in circles", authority()));
  }
  url_ = std::move(*target);
  disposition_ = Disposition::swallow;
  return true;
}

bool Call::ends_with_the_connection() const {
  const ResponseHead& head = head_.head();
  if (head_.http_major() >= 2 || head.status == 204 || request_.method == "HEAD") return false;
  return !head.find("Content-Length") && !head.find("Transfer-Encoding");
}

bool Call::refuse(Errc code, std::string message) {
  disposition_ = Disposition::refuse;
  refusal_ = Error{code, std::move(message)};
  return false;
}

std::optional<Nanos> Call::pause_for(FailureKind kind, std::optional<Nanos> retry_after) const {
  std::optional<Nanos> remaining;
  if (const auto end = deadline()) remaining = *end - context_->clock.steady();
  return pause_before_repeat(Failure{.kind = kind, .attempts = attempts_, .retry_after = retry_after},
                             remaining, context_->random);
}

BodyVerdict Call::on_body(std::span<const std::byte> bytes) {
  note_progress();
  if (disposition_ == Disposition::refuse) return BodyVerdict::abort;
  if (disposition_ == Disposition::swallow) {
    swallowed_ += bytes.size();
    return swallowed_ > kMaxSwallowed ? BodyVerdict::abort : BodyVerdict::taken;
  }
  if (paused_) return BodyVerdict::later;
  // The head waits for the first byte, so that a request whose connection breaks before it can be repeated
  // unseen.
  if (!deliver_head()) return BodyVerdict::abort;
  if (paused_) return BodyVerdict::later;
  context_->counters.bytes_received.fetch_add(bytes.size(), std::memory_order_relaxed);
  apply(receiver_->on_data(bytes));
  return stopped_ ? BodyVerdict::abort : BodyVerdict::taken;
}

bool Call::deliver_head() {
  if (head_delivered_) return true;
  head_delivered_ = true;
  apply(receiver_->on_head(head_.head()));
  return !stopped_;
}

void Call::apply(Flow flow) {
  if (flow == Flow::pause) paused_ = true;
  if (flow == Flow::stop) stopped_ = true;
}

void Call::resume() {
  if (!paused_) return;
  paused_ = false;
  if (!place.transfer) return;
  note_progress();
  place.transfer->resume();
}

Call::Next Call::conclude(const CurlFailure& failure) {
  if (disposition_ == Disposition::refuse) return Result<void>(fail(refusal_));
  if (disposition_ == Disposition::swallow) {
    if (repeat_pause_) return Repeat{*repeat_pause_};
    attempts_ = 0;
    return Follow{};
  }
  if (failure.code == CURLE_OK && !head_.complete()) {
    return Result<void>(fail(Errc::protocol, fmt::format("the answer of {} has no head", authority())));
  }
  if (failure.code == CURLE_OK && deliver_head()) return Result<void>();
  if (stopped_) return Result<void>(fail(Errc::cancelled, "the transfer was ended by its receiver"));
  if (request_.repeatable && !head_delivered_ && is_connection_failure(failure)) {
    if (const auto pause = pause_for(FailureKind::connection, std::nullopt)) return Repeat{*pause};
  }
  return Result<void>(fail(describe(failure)));
}

void Call::finish(Result<void> outcome) {
  const auto receiver = std::move(receiver_);
  receiver->on_done(std::move(outcome));
}

}  // namespace nithronfs::net

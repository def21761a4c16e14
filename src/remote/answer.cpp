// What error statuses and error bodies mean, in words for people.
#include "remote/answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "nithronfs/net/url.hpp"
#include "remote/json_answers.hpp"

namespace nithronfs::remote {
namespace {

constexpr std::size_t kMaxErrorBody = std::size_t{64} * 1024;

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// "what (server's words)"
Error with_text(Errc code, std::string what, const ErrorText& text) {
  const std::string& words = text.message.empty() ? text.code : text.message;
  if (!words.empty()) what += fmt::format(" (the server says: {})", words);
  return {code, std::move(what)};
}

std::string waiting_time(const net::ResponseHead& head) {
  const auto value = head.find("Retry-After");
  const bool seconds = value && !value->empty() && value->size() < 8 &&
                       value->find_first_not_of("0123456789") == std::string::npos;
  return seconds ? fmt::format("; try again in {} seconds", *value) : "; try again later";
}

}  // namespace

void Answer::expect(Done done) {
  done_ = std::move(done);
  head_ = {};
  wanted_ = false;
  error_body_.clear();
  failure_.reset();
}

net::Flow Answer::on_head(const net::ResponseHead& head) {
  head_ = head;
  auto verdict = judge(head_);
  if (!verdict) {
    failure_ = std::move(verdict.error());
    return net::Flow::stop;
  }
  wanted_ = *verdict == Verdict::wanted;
  return net::Flow::proceed;
}

net::Flow Answer::on_data(std::span<const std::byte> bytes) {
  if (!wanted_) {
    const std::size_t room = kMaxErrorBody - error_body_.size();
    error_body_.append(as_text(bytes).substr(0, room));
    return bytes.size() > room ? net::Flow::stop : net::Flow::proceed;
  }
  auto flow = on_part(bytes);
  if (flow) return *flow;
  failure_ = std::move(flow.error());
  return net::Flow::stop;
}

void Answer::on_done(Result<void> outcome) {
  auto done = std::move(done_);
  done(outcome_of(std::move(outcome)));
}

Result<void> Answer::outcome_of(Result<void> transport) {
  if (failure_) return fail(std::move(*failure_));
  // Once the head is there, an error answer speaks for itself, cut off or not.
  if (head_.status != 0 && !wanted_) return fail(explain());
  if (!transport && !satisfied()) return transport;
  return complete();
}

Error Answer::explain() const {
  return error_of(head_, error_body_);
}

Error error_of(const net::ResponseHead& head, std::string_view body) {
  const ErrorText text = parse_error_text(body);
  switch (head.status) {
    case 401:
      return with_text(Errc::not_logged_in, "the server does not accept the login", text);
    case 403:
      return with_text(Errc::permission, "the server does not allow this to the account", text);
    case 404:
    case 410:
      return with_text(Errc::not_found, "the server has no such file or directory", text);
    case 405:
    case 501:
      return with_text(Errc::not_supported, "the server does not offer this", text);
    case 412:
      return with_text(Errc::stale, "the server has another version by now", text);
    case 423:
      return with_text(Errc::busy, "somebody else has locked this on the server", text);
    case 429:
      return with_text(Errc::busy, "the server asks for fewer requests" + waiting_time(head), text);
    default:
      break;
  }
  if (head.status >= 500)
    return with_text(Errc::server, fmt::format("the server failed ({})", head.status), text);
  return with_text(Errc::protocol, fmt::format("the server gave an unexpected answer ({})", head.status),
                   text);
}

bool is_web_page(const net::ResponseHead& head) {
  const auto type = head.find("Content-Type");
  return type && (type->starts_with("text/html") || type->starts_with("application/xhtml"));
}

Error web_page_error() {
  return {Errc::protocol,
          "a web page came instead of data; perhaps this network wants a login first, or the address is not "
          "that of the server"};
}

Result<Answer::Verdict> TextAnswer::judge(const net::ResponseHead& head) {
  body_.clear();
  if (head.status != 200 && head.status != 201) return Verdict::refused;
  if (is_web_page(head)) return fail(web_page_error());
  return Verdict::wanted;
}

Result<net::Flow> TextAnswer::on_part(std::span<const std::byte> bytes) {
  if (bytes.size() > max_body_ - body_.size()) {
    return fail(Errc::protocol, "the server's answer is larger than any that makes sense");
  }
  body_.append(as_text(bytes));
  return net::Flow::proceed;
}

}  // namespace nithronfs::remote

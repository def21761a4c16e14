// One answer of the server while it is received: what was wanted goes to the subclass, an error's body is
// kept for its message, and in the end there is one outcome.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "nithronfs/net/http.hpp"

namespace nithronfs::remote {

class Answer : public net::Receiver {
 public:
  using Done = std::move_only_function<void(Result<void>)>;

  // Before each exchange.
  void expect(Done done);
  [[nodiscard]] int status() const { return head_.status; }
  [[nodiscard]] const net::ResponseHead& head() const { return head_; }
  [[nodiscard]] const std::string& error_body() const { return error_body_; }

  net::Flow on_head(const net::ResponseHead& head) final;
  net::Flow on_data(std::span<const std::byte> bytes) final;
  void on_done(Result<void> outcome) final;

 protected:
  enum class Verdict {
    wanted,   // the body goes to on_part
    refused,  // an error answer; its body is kept for the message, and explain() makes the outcome
  };
  // An error here ends the exchange with it.
  [[nodiscard]] virtual Result<Verdict> judge(const net::ResponseHead& head) = 0;
  // A piece of a wanted body. An error ends the exchange with it.
  [[nodiscard]] virtual Result<net::Flow> on_part(std::span<const std::byte> bytes) = 0;
  // After a wanted body, complete as HTTP tells.
  [[nodiscard]] virtual Result<void> complete() = 0;
  // True when everything wanted has arrived although on_part said stop.
  [[nodiscard]] virtual bool satisfied() const { return false; }
  // What a refused answer means.
  [[nodiscard]] virtual Error explain() const;

 private:
  [[nodiscard]] Result<void> outcome_of(Result<void> transport);

  Done done_;
  net::ResponseHead head_;
  bool wanted_ = false;
  std::string error_body_;
  std::optional<Error> failure_;
};

// What an answer with an error status means, in general: the status decides, the body's text is quoted.
[[nodiscard]] Error error_of(const net::ResponseHead& head, std::string_view body);

[[nodiscard]] bool is_web_page(const net::ResponseHead& head);
// For a web page where data was due.
[[nodiscard]] Error web_page_error();

// Keeps a whole body, within a bound; wants status 200 and 201, and no web page.
class TextAnswer final : public Answer {
 public:
  explicit TextAnswer(std::size_t max_body) : max_body_(max_body) {}
  [[nodiscard]] const std::string& body() const { return body_; }

 private:
  [[nodiscard]] Result<Verdict> judge(const net::ResponseHead& head) override;
  [[nodiscard]] Result<net::Flow> on_part(std::span<const std::byte> bytes) override;
  [[nodiscard]] Result<void> complete() override { return {}; }

  const std::size_t max_body_;
  std::string body_;
};

}  // namespace nithronfs::remote

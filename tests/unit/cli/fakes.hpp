// A person at the keyboard and servers on the network, both scripted.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "cli/context.hpp"

namespace nithronfs::cli {

// Answers questions in order and remembers them.
class ScriptedTerminal final : public Terminal {
 public:
  struct Question {
    std::string prompt;
    Echo echo;
  };
  explicit ScriptedTerminal(std::deque<std::string> answers) : answers_(std::move(answers)), present_(true) {}
  ScriptedTerminal() = default;

  [[nodiscard]] bool present() const override { return present_; }
  [[nodiscard]] Result<std::string> ask(const std::string& prompt, Echo echo) override {
    questions.push_back({prompt, echo});
    if (answers_.empty()) return fail(Errc::interrupted, "stopped at the prompt");
    std::string answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }
  std::vector<Question> questions;

 private:
  std::deque<std::string> answers_;
  bool present_ = false;
};

// One account: name, password and perhaps a code. Counts what it is asked.
class FakeServers final : public Servers {
 public:
  [[nodiscard]] Result<remote::Account> register_device(const Connection& connection,
                                                        remote::Credentials credentials) override {
    attempts.push_back(credentials);
    last_connection = connection;
    if (unreachable) return fail(Errc::offline, "the server cannot be reached");
    const bool right =
        credentials.username == "anna" && credentials.password == "s3cret" && credentials.code == code;
    if (!right) return fail(Errc::not_logged_in, "wrong name or password, or a code is needed");
    return remote::Account{.server = connection.origin,
                           .username = credentials.username,
                           .device_id = "d-1",
                           .device_name = credentials.device_name,
                           .device_token = "nos_dt_1",
                           .refresh_token = "nos_rt_1"};
  }
  [[nodiscard]] Result<std::vector<remote::Share>> shares(const Connection& connection,
                                                          const std::string& account_file) override {
    last_connection = connection;
    last_account_file = account_file;
    if (unreachable) return fail(Errc::offline, "the server cannot be reached");
    return offered;
  }

  std::string code;
  bool unreachable = false;
  std::vector<remote::Share> offered;
  std::vector<remote::Credentials> attempts;
  Connection last_connection;
  std::string last_account_file;
};

}  // namespace nithronfs::cli

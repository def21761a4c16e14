// Passwords at a real pseudo-terminal: hidden, editable, and the terminal is left as it was.
#include "cli/terminal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <termios.h>

#include <array>
#include <future>

namespace nithronfs::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class TerminalTest : public testing::Test {
 protected:
  void SetUp() override {
    int keyboard = -1;
    int tty = -1;
    ASSERT_EQ(openpty(&keyboard, &tty, nullptr, nullptr, nullptr), 0);
    keyboard_ = UniqueFd(keyboard);
    observed_ = UniqueFd(dup(tty));
    terminal_ = make_terminal(UniqueFd(tty));
  }

  // Waits until the screen shows `text`; what it showed by then.
  std::string screen_until(const std::string& text) {
    while (screen_.find(text) == std::string::npos) {
      pollfd waiting{.fd = keyboard_.get(), .events = POLLIN, .revents = 0};
      if (poll(&waiting, 1, 20'000) != 1) break;
      std::array<char, 256> buffer{};
      const ssize_t count = read(keyboard_.get(), buffer.data(), buffer.size());
      if (count <= 0) break;
      screen_.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return screen_;
  }

  Result<std::string> type(const std::string& keys, Echo echo) {
    screen_.clear();
    auto answer = std::async(std::launch::async, [this, echo] { return terminal_->ask("Question: ", echo); });
    EXPECT_THAT(screen_until("Question: "), HasSubstr("Question: "));
    EXPECT_EQ(write(keyboard_.get(), keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
    return answer.get();
  }

  [[nodiscard]] tcflag_t modes() const {
    termios state{};
    EXPECT_EQ(tcgetattr(observed_.get(), &state), 0);
    return state.c_lflag;
  }

  UniqueFd keyboard_;
  UniqueFd observed_;
  std::unique_ptr<Terminal> terminal_;
  std::string screen_;
};

TEST_F(TerminalTest, APasswordIsReadAndNotShown) {
  const auto before = modes();
  EXPECT_EQ(type("s3cret p\xc3\xa4ss\r", Echo::off).value(), "s3cret p\xc3\xa4ss");
  EXPECT_THAT(screen_until("\r\n"), Not(HasSubstr("s3cret")));
  EXPECT_EQ(modes(), before);
}

TEST_F(TerminalTest, APasswordCanBeCorrected) {
  EXPECT_EQ(type("wrong\x15"
                 "ab\x7f"
                 "c\xc3\xbc\x7f\b\n",
                 Echo::off)
                .value(),
            "a");
  EXPECT_EQ(type("\x7f\x7fok\n", Echo::off).value(), "ok");
}

TEST_F(TerminalTest, CtrlCEndsThePromptAndLeavesTheTerminalUsable) {
  const auto before = modes();
  for (const char* keys : {"s3c\x03", "\x04"}) {
    const auto answer = type(keys, Echo::off);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::interrupted);
    EXPECT_EQ(modes(), before);
  }
}

TEST_F(TerminalTest, WhatIsNoSecretIsShown) {
  EXPECT_EQ(type("anna\n", Echo::on).value(), "anna");
  EXPECT_THAT(screen_until("anna"), HasSubstr("anna"));
}

TEST(NoTerminal, NobodyIsAsked) {
  const auto terminal = make_terminal(UniqueFd());
  EXPECT_FALSE(terminal->present());
  EXPECT_EQ(terminal->ask("?", Echo::on).error().code, Errc::not_supported);
}

}  // namespace
}  // namespace nithronfs::cli

// Logins, their limits, second factors and sessions, under a clock of the test.
#include "../src/accounts.hpp"

#include <gtest/gtest.h>

#include "../src/totp.hpp"

namespace refserver {
namespace {

using Reason = LoginFailure::Reason;

class AccountsTest : public ::testing::Test {
 protected:
  Accounts make(Profile profile) {
    return Accounts(profile, {.password_cost = 2}, [this] { return now_; });
  }
  std::int64_t now_ = 1'700'000'000;
};

TEST_F(AccountsTest, LogsInWithTheRightPasswordOnly) {
  auto accounts = make(Profile::full);
  ASSERT_TRUE(accounts.add("ann", "secret", ""));
  EXPECT_FALSE(accounts.add("ann", "other", ""));
  auto session = accounts.login("1.2.3.4", "ann", "secret", "");
  ASSERT_TRUE(session);
  EXPECT_EQ(session->user, "ann");
  EXPECT_EQ(accounts.login("1.2.3.4", "ann", "Secret", "").error().reason, Reason::bad_credentials);
  EXPECT_EQ(accounts.login("1.2.3.4", "bob", "secret", "").error().reason, Reason::bad_credentials);
}

TEST_F(AccountsTest, SessionsEnd) {
  auto accounts = make(Profile::full);
  accounts.add("ann", "secret", "");
  auto session = accounts.login("a", "ann", "secret", "");
  ASSERT_TRUE(session);
  now_ += 15 * 60 - 1;
  EXPECT_TRUE(accounts.session(session->id));
  EXPECT_FALSE(accounts.session(session->id + "x"));
  now_ += 1;
  EXPECT_FALSE(accounts.session(session->id));
}

TEST_F(AccountsTest, LogoutEndsASession) {
  auto accounts = make(Profile::full);
  accounts.add("ann", "secret", "");
  auto session = accounts.login("a", "ann", "secret", "");
  ASSERT_TRUE(session);
  accounts.logout(session->id);
  EXPECT_FALSE(accounts.session(session->id));
}

TEST_F(AccountsTest, FullLimitsFailuresOnly) {
  auto accounts = make(Profile::full);
  accounts.add("ann", "secret", "");
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(accounts.login("a", "ann", "secret", ""));
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(accounts.login("a", "ann", "no", "").error().reason, Reason::bad_credentials);
  now_ += 100;
  auto blocked = accounts.login("a", "ann", "secret", "");
  ASSERT_FALSE(blocked);
  EXPECT_EQ(blocked.error().reason, Reason::too_many);
  EXPECT_EQ(blocked.error().retry_after_seconds, 15 * 60 - 100);
  EXPECT_TRUE(accounts.login("b", "ann", "secret", "")) << "another address is not blocked";
  now_ += blocked.error().retry_after_seconds;
  EXPECT_TRUE(accounts.login("a", "ann", "secret", ""));
}

TEST_F(AccountsTest, StockCountsSuccesses) {
  auto accounts = make(Profile::stock);
  accounts.add("ann", "secret", "");
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(accounts.login("a", "ann", "secret", ""));
  EXPECT_EQ(accounts.login("a", "ann", "secret", "").error().reason, Reason::too_many);
}

TEST_F(AccountsTest, AsksForACodeAndTakesItOnce) {
  auto accounts = make(Profile::full);
  const std::string key = "12345678901234567890";
  accounts.add("ann", "secret", key);
  auto code = totp_code(key, now_ / totp_step_seconds);
  EXPECT_EQ(accounts.login("a", "ann", "secret", "").error().reason, Reason::code_needed);
  EXPECT_EQ(accounts.login("a", "ann", "wrong", code).error().reason, Reason::bad_credentials);
  EXPECT_TRUE(accounts.login("a", "ann", "secret", code));
  EXPECT_EQ(accounts.login("a", "ann", "secret", code).error().reason, Reason::bad_code);
  auto next = totp_code(key, now_ / totp_step_seconds + 1);
  EXPECT_TRUE(accounts.login("a", "ann", "secret", next));
}

TEST_F(AccountsTest, AskingForTheCodeIsNoFailedAttempt) {
  auto accounts = make(Profile::full);
  accounts.add("ann", "secret", "12345678901234567890");
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(accounts.login("a", "ann", "secret", "").error().reason, Reason::code_needed);
}

TEST_F(AccountsTest, BasicIsForAccountsWithoutSecondFactor) {
  auto accounts = make(Profile::full);
  accounts.add("ann", "secret", "");
  accounts.add("tom", "secret", "12345678901234567890");
  EXPECT_TRUE(accounts.check_basic("a", "ann", "secret"));
  EXPECT_TRUE(accounts.check_basic("a", "ann", "secret"));
  EXPECT_FALSE(accounts.check_basic("a", "ann", "secres"));
  EXPECT_EQ(accounts.check_basic("a", "tom", "secret").error().reason, Reason::code_needed);
}

}  // namespace
}  // namespace refserver

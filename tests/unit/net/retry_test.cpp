// The rules of repeating, with times of the test's own.
#include "net/retry.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace nithronfs::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class FixedRandom final : public Random {
 public:
  explicit FixedRandom(unsigned char byte) : byte_(byte) {}
  void fill(std::span<std::byte> out) override { std::memset(out.data(), byte_, out.size()); }

 private:
  unsigned char byte_;
};

WallTime at(std::int64_t unix_seconds) {
  return WallTime{seconds(unix_seconds)};
}

TEST(RetryAfterTest, ReadsSecondsAndDates) {
  EXPECT_EQ(parse_retry_after("120", at(0)), Nanos(seconds(120)));
  EXPECT_EQ(parse_retry_after("0", at(0)), Nanos(0));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", at(784111777 - 30)), Nanos(seconds(30)));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", at(784111777 + 30)), Nanos(0));
}

TEST(RetryAfterTest, SurvivesNonsense) {
  EXPECT_EQ(parse_retry_after("", at(0)), std::nullopt);
  EXPECT_EQ(parse_retry_after("soon", at(0)), std::nullopt);
  EXPECT_EQ(parse_retry_after("-5", at(0)), std::nullopt);
  EXPECT_EQ(parse_retry_after("1.5", at(0)), std::nullopt);
  EXPECT_GE(*parse_retry_after("99999999999999999999999", at(0)), Nanos(std::chrono::hours(24)));
}

TEST(PauseTest, GrowsAndIsJittered) {
  FixedRandom low(0x00);
  EXPECT_EQ(pause_before_repeat({FailureKind::status, 3, {}}, {}, low), Nanos(0));
  SystemRandom random;
  for (unsigned attempts = 1; attempts < 6; ++attempts) {
    const Nanos bound = milliseconds(100) * (1 << (attempts - 1));
    for (int i = 0; i < 100; ++i) {
      const auto pause = pause_before_repeat({FailureKind::status, attempts, {}}, {}, random);
      ASSERT_TRUE(pause);
      EXPECT_GE(*pause, Nanos(0));
      EXPECT_LE(*pause, bound);
    }
  }
}

TEST(PauseTest, AttemptsAreBounded) {
  SystemRandom random;
  EXPECT_TRUE(pause_before_repeat({FailureKind::connection, 2, {}}, {}, random));
  EXPECT_FALSE(pause_before_repeat({FailureKind::connection, 3, {}}, {}, random));
  EXPECT_TRUE(pause_before_repeat({FailureKind::status, 5, {}}, {}, random));
  EXPECT_FALSE(pause_before_repeat({FailureKind::status, 6, {}}, {}, random));
}

TEST(PauseTest, RetryAfterIsAMinimumBoundedByTheDeadline) {
  SystemRandom random;
  EXPECT_GE(*pause_before_repeat({FailureKind::status, 1, seconds(7)}, seconds(8), random),
            Nanos(seconds(7)));
  EXPECT_FALSE(pause_before_repeat({FailureKind::status, 1, seconds(7)}, seconds(7), random));
  EXPECT_FALSE(pause_before_repeat({FailureKind::status, 1, std::chrono::hours(1)}, std::nullopt, random));
  EXPECT_FALSE(pause_before_repeat({FailureKind::status, 1, {}}, Nanos(0), random));
}

TEST(TransientStatusTest, IsWhatHelpsToRepeat) {
  for (const int status : {429, 502, 503, 504}) EXPECT_TRUE(is_transient_status(status));
  for (const int status : {200, 401, 403, 404, 408, 409, 412, 423, 500, 501, 507}) {
    EXPECT_FALSE(is_transient_status(status));
  }
}

class HostHealthTest : public ::testing::Test {
 protected:
  static SteadyTime t(int ms) { return SteadyTime{milliseconds(ms)}; }
  HostHealth health_;
  const Error away_{Errc::offline, "away"};
};

TEST_F(HostHealthTest, UnknownHostsAreTried) {
  EXPECT_FALSE(health_.refuse("nas:443", t(0)));
}

TEST_F(HostHealthTest, OneRequestPerCoolDownLooksAgain) {
  health_.unreachable("nas:443", away_, t(0));
  EXPECT_EQ(health_.refuse("nas:443", t(499))->message, "away");
  EXPECT_FALSE(health_.refuse("nas:443", t(500)));
  EXPECT_TRUE(health_.refuse("nas:443", t(501)));
  EXPECT_FALSE(health_.refuse("other:443", t(1)));
}

TEST_F(HostHealthTest, TheCoolDownGrowsToABound) {
  SteadyTime now = t(0);
  health_.unreachable("nas:443", away_, now);
  for (int i = 0; i < 10; ++i) {
    now += seconds(5);
    EXPECT_FALSE(health_.refuse("nas:443", now));
    health_.unreachable("nas:443", away_, now);
  }
  EXPECT_TRUE(health_.refuse("nas:443", now + milliseconds(4999)));
  EXPECT_FALSE(health_.refuse("nas:443", now + milliseconds(5000)));
}

TEST_F(HostHealthTest, AnAnswerOrANetworkChangeClearsIt) {
  health_.unreachable("nas:443", away_, t(0));
  health_.reached("nas:443");
  EXPECT_FALSE(health_.refuse("nas:443", t(1)));
  health_.unreachable("nas:443", away_, t(2));
  health_.forget();
  EXPECT_FALSE(health_.refuse("nas:443", t(3)));
}

}  // namespace
}  // namespace nithronfs::net

// The window grows with what was read, and a jump ends it (S3).
#include "../../../src/cache/readahead.hpp"

#include <gtest/gtest.h>

namespace nithronfs::cache {
namespace {

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr std::uint64_t huge = std::uint64_t{50} << 30;

TEST(ReadaheadTest, OneReadFetchesNothingAhead) {
  Readahead policy;
  EXPECT_EQ(policy.on_read({20 * mib, 20 * mib + 4 * kib}, huge).goal, 20 * mib + 4 * kib);
}

TEST(ReadaheadTest, NeverMoreThanTwiceWhatWasRead) {
  Readahead policy;
  for (std::uint64_t at = 0; at < 64 * mib; at += 128 * kib) {
    const auto plan = policy.on_read({at, at + 128 * kib}, huge);
    EXPECT_FALSE(plan.seek);
    const auto read = at + 128 * kib;
    EXPECT_LE(plan.goal, read + std::min(2 * read, Readahead::max_window));
    if (at > 0) {
      EXPECT_GT(plan.goal, read);
    }
  }
}

TEST(ReadaheadTest, OutOfOrderByTheKernelIsStillSequential) {
  Readahead policy;
  policy.on_read({0, mib}, huge);
  policy.on_read({2 * mib, 3 * mib}, huge);
  const auto plan = policy.on_read({mib, 2 * mib}, huge);
  EXPECT_FALSE(plan.seek);
  EXPECT_EQ(plan.goal, 9 * mib);
}

TEST(ReadaheadTest, AJumpEndsTheRun) {
  Readahead policy;
  for (std::uint64_t at = 0; at < 8 * mib; at += mib) policy.on_read({at, at + mib}, huge);
  const auto plan = policy.on_read({500 * mib, 500 * mib + 4 * kib}, huge);
  EXPECT_TRUE(plan.seek);
  EXPECT_EQ(plan.goal, 500 * mib + 4 * kib);
}

TEST(ReadaheadTest, StopsAtTheEndOfTheFile) {
  Readahead policy;
  policy.on_read({0, 600 * kib}, mib);
  EXPECT_EQ(policy.on_read({600 * kib, 900 * kib}, mib).goal, mib);
}

}  // namespace
}  // namespace nithronfs::cache

// Order, timers and shutdown of both executors.
#include "nithronfs/util/executor.hpp"

#include <gtest/gtest.h>

#include <future>
#include <vector>

namespace nithronfs {
namespace {

using std::chrono::seconds;

TEST(ManualExecutorTest, RunsTimersInTheirOrder) {
  ManualExecutor executor;
  std::vector<int> order;
  const auto start = executor.steady();
  executor.post_at(start + seconds(2), [&] { order.push_back(2); });
  executor.post_at(start + seconds(1), [&] {
    order.push_back(1);
    executor.post_at(executor.steady() + seconds(1), [&] { order.push_back(3); });
  });
  const auto cancelled = executor.post_at(start + seconds(1), [&] { order.push_back(99); });
  executor.post([&] { order.push_back(0); });
  EXPECT_TRUE(executor.cancel(cancelled));
  EXPECT_FALSE(executor.cancel(cancelled));
  executor.advance(seconds(5));
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3}));
  EXPECT_EQ(executor.steady(), start + seconds(5));
}

TEST(ThreadExecutorTest, OneThreadKeepsTheOrder) {
  const SystemClock clock;
  std::vector<int> order;
  {
    ThreadExecutor executor(clock, "test");
    std::promise<void> done;
    for (int i = 0; i < 100; ++i) executor.post([&, i] { order.push_back(i); });
    executor.post([&] { done.set_value(); });
    done.get_future().wait();
  }
  ASSERT_EQ(order.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(ThreadExecutorTest, TimersFireAndCancel) {
  const SystemClock clock;
  ThreadExecutor executor(clock, "test");
  std::promise<void> fired;
  const auto far = executor.post_at(clock.steady() + std::chrono::hours(1), [] { FAIL(); });
  executor.post_at(clock.steady() + std::chrono::milliseconds(5), [&] { fired.set_value(); });
  EXPECT_EQ(fired.get_future().wait_for(seconds(30)), std::future_status::ready);
  EXPECT_TRUE(executor.cancel(far));
}

TEST(ThreadExecutorTest, DestructionDropsWhatWaits) {
  const SystemClock clock;
  auto owned = std::make_shared<int>(1);
  {
    ThreadExecutor executor(clock, "test");
    executor.post_at(clock.steady() + std::chrono::hours(1), [owned] { FAIL(); });
  }
  EXPECT_EQ(owned.use_count(), 1);
}

}  // namespace
}  // namespace nithronfs

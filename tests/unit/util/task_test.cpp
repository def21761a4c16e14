// Coroutines: values, nesting, callbacks that answer at once, from elsewhere, and through an executor.
#include "nithronfs/util/task.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

namespace nithronfs {
namespace {

Task<int> answer() {
  co_return 42;
}
Task<std::string> nested() {
  const int value = co_await answer();
  co_return std::to_string(value);
}

TEST(TaskTest, PassesValuesThroughNesting) {
  std::string result;
  spawn(nested(), [&](std::string value) { result = std::move(value); });
  EXPECT_EQ(result, "42");
}

TEST(TaskTest, DoesNotStartByItself) {
  bool started = false;
  {
    auto task = [](bool& flag) -> Task<void> {
      flag = true;
      co_return;
    }(started);
  }
  EXPECT_FALSE(started);
}

Task<int> through_callback(std::move_only_function<void(Callback<int>::Done)> start) {
  const int value = co_await Callback<int>(std::move(start));
  co_return value + 1;
}

TEST(TaskTest, CallbackMayAnswerBeforeItReturns) {
  int result = 0;
  spawn(through_callback([](auto done) { done(1); }), [&](int value) { result = value; });
  EXPECT_EQ(result, 2);
}

TEST(TaskTest, CallbackMayAnswerFromAnotherThread) {
  int result = 0;
  std::thread other;
  spawn(through_callback(
            [&](auto done) { other = std::thread([done = std::move(done)]() mutable { done(2); }); }),
        [&](int value) { result = value; });
  other.join();
  EXPECT_EQ(result, 3);
}

Task<void> wait_then_set(ManualExecutor& executor, bool& flag) {
  co_await sleep_until(executor, executor.steady() + std::chrono::seconds(3));
  co_await resume_on(executor);
  flag = true;
}

TEST(TaskTest, SleepsOnTheInjectedClock) {
  ManualExecutor executor;
  bool done = false;
  spawn(wait_then_set(executor, done));
  executor.advance(std::chrono::milliseconds(2999));
  EXPECT_FALSE(done);
  executor.advance(std::chrono::milliseconds(1));
  EXPECT_TRUE(done);
}

TEST(TaskTest, FrameIsFreedAtTheEnd) {
  auto owned = std::make_shared<int>(7);
  spawn([](std::shared_ptr<int> held) -> Task<int> { co_return *held; }(owned), [](int) {});
  EXPECT_EQ(owned.use_count(), 1);
}

}  // namespace
}  // namespace nithronfs

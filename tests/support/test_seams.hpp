// Real clock, randomness and executors for tests that talk to a real (loopback) server, and waiting for tasks
// with a deadline.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>

#include "nithronfs/util/seams.hpp"
#include "nithronfs/util/task.hpp"

namespace nithronfs::testing {

// However slow the machine, a test that waits longer has failed.
inline constexpr std::chrono::seconds kPatience{20};

class SilentLog final : public Log {
 public:
  SilentLog() : Log(LogLevel::error) {}

 protected:
  void write(LogLevel, std::string_view) override {}
};

class TestSeams {
 public:
  [[nodiscard]] Seams seams() {
    return Seams{.clock = clock_, .random = random_, .log = log_, .engine = engine_, .disk = disk_};
  }

 private:
  SystemClock clock_;
  SystemRandom random_;
  SilentLog log_;
  ThreadExecutor engine_{clock_, "engine"};
  ThreadExecutor disk_{clock_, "disk", 2};
};

// Runs `task` and waits for its result. Throws std::runtime_error when it does not end.
template <class T>
[[nodiscard]] T wait_for(Task<T> task) {
  auto promise = std::make_shared<std::promise<T>>();
  auto future = promise->get_future();
  spawn(std::move(task), [promise](T value) { promise->set_value(std::move(value)); });
  if (future.wait_for(kPatience) != std::future_status::ready) {
    throw std::runtime_error("the task did not end in time");
  }
  return future.get();
}

}  // namespace nithronfs::testing

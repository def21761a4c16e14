// Waits for a task from plain synchronous code: programs at their start, never a library module.
#pragma once

#include <future>

#include "nithronfs/util/task.hpp"

namespace nithronfs {

// Blocks this thread until `task` ends, which its own deadline has to see to.
template <class T>
[[nodiscard]] T block_on(Task<T> task) {
  std::promise<T> promise;
  auto future = promise.get_future();
  spawn(std::move(task),
        [promise = std::move(promise)](T value) mutable { promise.set_value(std::move(value)); });
  return future.get();
}

}  // namespace nithronfs

// Waits for a task from plain synchronous code: programs at their start, never a library module.
#pragma once

#include <optional>
#include <semaphore>

#include "nithronfs/util/task.hpp"

namespace nithronfs {

// Blocks this thread until `task` ends, which its own deadline has to see to.
template <class T>
[[nodiscard]] T block_on(Task<T> task) {
  std::optional<T> result;
  std::binary_semaphore ended(0);
  spawn(std::move(task), [&](T value) {
    result.emplace(std::move(value));
    ended.release();
  });
  ended.acquire();
  return std::move(*result);
}

}  // namespace nithronfs

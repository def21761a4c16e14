// Waits for a condition with a deadline; the only place in the tests that lets time pass.
#pragma once

#include <chrono>
#include <functional>

namespace nithronfs::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Generous, because sanitizer builds on a busy machine are slow; nothing waits that long unless it is broken.
inline constexpr milliseconds patience = seconds(30);

// True as soon as `condition` is; false when `limit` has passed and it is still not.
[[nodiscard]] bool eventually(const std::function<bool()>& condition, milliseconds limit = patience);

// How long `action` took.
[[nodiscard]] milliseconds time_of(const std::function<void()>& action);

}  // namespace nithronfs::test

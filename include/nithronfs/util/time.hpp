// Points in time as servers and file systems tell them.
#pragma once

#include <compare>
#include <cstdint>

namespace nithronfs {

// Since the Unix epoch, UTC; nanoseconds in [0, 999'999'999].
struct Timestamp {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  auto operator<=>(const Timestamp&) const = default;
};

}  // namespace nithronfs

// Time as a seam: steady time for waiting, wall time for what people and servers see.
#pragma once

#include <chrono>

namespace nithronfs {

using Nanos = std::chrono::nanoseconds;
// Steady, not related to the calendar; goes on during suspend (CLOCK_BOOTTIME).
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, Nanos>;
// Since the Unix epoch, UTC.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Nanos>;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual SteadyTime steady() const = 0;
  [[nodiscard]] virtual WallTime wall() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] SteadyTime steady() const override;
  [[nodiscard]] WallTime wall() const override;
};

}  // namespace nithronfs

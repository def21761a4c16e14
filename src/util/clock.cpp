// The real clocks.
#include "nithronfs/util/clock.hpp"

#include <ctime>

namespace nithronfs {
namespace {

Nanos read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return std::chrono::seconds(now.tv_sec) + Nanos(now.tv_nsec);
}

}  // namespace

// BOOTTIME, so that a laptop's sleep counts as time: what was fresh before it is not afterwards.
SteadyTime SystemClock::steady() const {
  return SteadyTime(read_clock(CLOCK_BOOTTIME));
}
WallTime SystemClock::wall() const {
  return WallTime(read_clock(CLOCK_REALTIME));
}

}  // namespace nithronfs

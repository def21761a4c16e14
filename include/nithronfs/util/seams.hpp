// What the outside world looks like to the product: everything that a test replaces, in one struct.
#pragma once

#include <cstddef>
#include <span>

#include "nithronfs/util/clock.hpp"
#include "nithronfs/util/executor.hpp"
#include "nithronfs/util/log.hpp"

namespace nithronfs {

// Thread-safe source of unpredictable bytes (tokens, jitter, epochs).
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::byte> out) = 0;
  [[nodiscard]] std::uint64_t next_u64();
};

class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override;
};

// References only: whoever builds the program owns them and outlives everything that holds this.
struct Seams {
  const Clock& clock;
  Random& random;
  Log& log;
  Executor& engine;  // one thread: listings, revalidation, later the whole of sync
  Executor& disk;    // a small pool for work that may block on the disk
};

}  // namespace nithronfs

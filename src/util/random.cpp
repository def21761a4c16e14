// Random bytes from the kernel.
#include <sys/random.h>

#include <cstdlib>

#include "nithronfs/util/seams.hpp"

namespace nithronfs {

std::uint64_t Random::next_u64() {
  std::uint64_t value = 0;
  fill(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

void SystemRandom::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const auto got = getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      // Only EINTR can happen here; without randomness no token is safe, so anything else ends the program.
      if (errno == EINTR) continue;
      std::abort();
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace nithronfs

// Writing to data files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "nithronfs/util/result.hpp"

namespace nithronfs::cache {

// All of `bytes` at `offset`. Errors: no_space, io.
[[nodiscard]] Result<void> write_at(int fd, std::uint64_t offset, std::span<const std::byte> bytes);

}  // namespace nithronfs::cache

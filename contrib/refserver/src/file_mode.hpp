// Modes as the wire has them: Go's FileMode, permissions in the low nine bits and a high bit for directories.
#pragma once

#include <sys/stat.h>

#include <cstdint>

namespace refserver {

inline std::uint32_t wire_mode(std::uint32_t st_mode) {
  constexpr std::uint32_t directory_bit = 1U << 31;
  return (st_mode & 0777U) | (S_ISDIR(st_mode) ? directory_bit : 0U);
}

}  // namespace refserver

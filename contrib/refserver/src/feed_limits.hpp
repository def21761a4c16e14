// Limits of the change feed that clients are told.
#pragma once

#include <cstdint>

namespace refserver {

inline constexpr std::uint64_t default_page = 1000;
inline constexpr std::uint64_t page_max = 10000;
inline constexpr std::uint64_t wait_max_seconds = 60;

}  // namespace refserver

// How nithronctl writes for people: sizes, ages, aligned columns, and nothing that a terminal would obey.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nithronfs/util/clock.hpp"

namespace nithronfs::cli {

// Control characters as \xNN: names and messages come from servers.
[[nodiscard]] std::string printable(std::string_view text);

// "0 B", "1.5 KiB", "20 GiB".
[[nodiscard]] std::string human_size(std::uint64_t bytes);

// "just now", "12 s ago", "3 min ago", "2 h ago", "5 days ago"; "never" for 0.
[[nodiscard]] std::string human_age(std::uint64_t since_us, WallTime now);

// Rows of equal length, the first one a heading; columns are as wide as their widest cell. Wide and combining
// characters count as one.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace nithronfs::cli

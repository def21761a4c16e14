// Readers and writers for the kinds of values that options have. Each reads the whole text or fails with
// invalid_argument and a message that says what would be right.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nithronfs/config/options.hpp"
#include "nithronfs/util/result.hpp"

namespace nithronfs::config {

[[nodiscard]] Result<bool> parse_flag(std::string_view text);
[[nodiscard]] Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t max);
// "4096", "20G", "512M", "1T" (powers of 1024; "GiB" is the same as "G").
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);
// A size, or "10%" with 1..100.
[[nodiscard]] Result<Space> parse_space(std::string_view text);
// A size per second, with or without "/s"; 0: no limit.
[[nodiscard]] Result<std::uint64_t> parse_rate(std::string_view text);
// "10s", "500ms", "2m", "1h"; a bare number is seconds.
[[nodiscard]] Result<Nanos> parse_duration(std::string_view text, Nanos min, Nanos max);
// Octal permission bits, 0 to 0777.
[[nodiscard]] Result<unsigned> parse_mode(std::string_view text);
[[nodiscard]] Result<std::string> parse_absolute_path(std::string_view text);
// ADDRESS:PORT or [IPv6]:PORT.
[[nodiscard]] Result<std::string> parse_endpoint(std::string_view text);
// "sha256//" and 32 bytes in base64; several separated by ';'.
[[nodiscard]] Result<std::string> parse_pinned_key(std::string_view text);

[[nodiscard]] std::string show_size(std::uint64_t bytes);
[[nodiscard]] std::string show_space(const Space& space);
[[nodiscard]] std::string show_duration(Nanos duration);
[[nodiscard]] std::string show_mode(unsigned mode);

}  // namespace nithronfs::config

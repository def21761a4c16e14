// Small text helpers of this module.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace nithronfs::config {

// ASCII only, whatever the locale.
[[nodiscard]] std::string lower(std::string_view text);
// Absent when a % is not followed by two hexadecimal digits.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);
// Everything but RFC 3986's unreserved characters is encoded.
[[nodiscard]] std::string percent_encode(std::string_view text);
// 1 to 255 bytes of UTF-8, no '/', no control characters, not "." or "..".
[[nodiscard]] bool is_file_name(std::string_view name);
// For messages: control characters and bytes that are not ASCII as \xNN, at most 80 characters.
[[nodiscard]] std::string printable(std::string_view text);
// The candidate that `word` was probably meant to be: at most a third of its letters differ.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word,
                                                      std::span<const std::string_view> candidates);

}  // namespace nithronfs::config

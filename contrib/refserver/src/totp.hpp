// Time-based one-time passwords (RFC 6238): HMAC-SHA-1, steps of 30 seconds, six digits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace refserver {

inline constexpr std::int64_t totp_step_seconds = 30;

std::string totp_code(std::string_view key, std::int64_t step, int digits = 6);

// The step whose code this is, looking one step to either side of now (RFC 6238, 5.2). The caller refuses
// steps that were used before.
std::optional<std::int64_t> totp_match(std::string_view key, std::string_view code,
                                       std::int64_t unix_seconds);

}  // namespace refserver

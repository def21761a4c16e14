// RFC 6238 over the truncation of RFC 4226.
#include "totp.hpp"

#include <fmt/format.h>

#include "crypto.hpp"

namespace refserver {

std::string totp_code(std::string_view key, std::int64_t step, int digits) {
  std::string counter(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) counter[7 - i] = static_cast<char>(step >> (8 * i) & 0xFF);
  auto mac = hmac_sha1(key, counter);
  auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(mac[i])); };
  std::size_t offset = at(mac.size() - 1) & 15;
  std::uint32_t number =
      (at(offset) & 0x7F) << 24 | at(offset + 1) << 16 | at(offset + 2) << 8 | at(offset + 3);
  std::uint32_t modulus = 1;
  for (int i = 0; i < digits; ++i) modulus *= 10;
  return fmt::format("{:0{}}", number % modulus, digits);
}

std::optional<std::int64_t> totp_match(std::string_view key, std::string_view code,
                                       std::int64_t unix_seconds) {
  std::int64_t now = unix_seconds / totp_step_seconds;
  std::optional<std::int64_t> match;
  for (std::int64_t step = now - 1; step <= now + 1; ++step) {
    if (equal_in_constant_time(totp_code(key, step), code)) match = step;
  }
  return match;
}

}  // namespace refserver

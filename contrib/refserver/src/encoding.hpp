// Text forms of bytes: hex, base64 (RFC 4648, 4 and 5) and base32 (RFC 4648, 6).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace refserver {

std::string hex(std::string_view bytes);
std::string base64(std::string_view bytes);                       // padded
std::string base64url(std::string_view bytes);                    // without padding
std::optional<std::string> base64_decode(std::string_view text);  // standard alphabet, padded
std::optional<std::string> base32_decode(std::string_view text);  // any case, padding and spaces optional

// Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates.
bool is_utf8(std::string_view text);

}  // namespace refserver

// URLs: what of them decides about trust, and how names travel in them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "nithronfs/util/result.hpp"

namespace nithronfs::net {

// The part of a URL that a token belongs to.
struct Origin {
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; IPv6 addresses in brackets
  std::uint16_t port = 0;
  friend bool operator==(const Origin&, const Origin&) = default;
  // "host:port", for messages.
  [[nodiscard]] std::string authority() const;
};

struct Url {
  Origin origin;
  std::string path;   // as written, at least "/"
  std::string query;  // without '?'
};

// Only absolute http and https URLs without user name and password. Errors: invalid_argument.
[[nodiscard]] Result<Url> parse_url(const std::string& url);

// What a Location header means, seen from `base` (RFC 3986, 5.2). Errors: protocol.
[[nodiscard]] Result<std::string> resolve_url(const std::string& base, const std::string& reference);

// "localhost", 127.0.0.0/8 or ::1.
[[nodiscard]] bool is_loopback(const Origin& origin);

// Every byte that is not unreserved (RFC 3986, 2.3) becomes %XX.
[[nodiscard]] std::string percent_encode(std::string_view text);
// The same, '/' left as it is.
[[nodiscard]] std::string percent_encode_path(std::string_view path);
// '+' stays '+'. Nothing when a '%' is not followed by two hexadecimal digits.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

}  // namespace nithronfs::net

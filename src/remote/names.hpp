// Which names from a server may become names on Linux, and how paths become URLs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nithronfs::remote {

// Why `name` cannot be one component of a Linux path; nothing when it can: UTF-8, 1..255 bytes, no '/', no
// NUL, not "." or "..".
[[nodiscard]] std::optional<std::string_view> why_unusable(std::string_view name);

// `text` shortened and with control characters replaced, so that it can stand in a message.
[[nodiscard]] std::string for_message(std::string_view text, std::size_t max_bytes = 120);

// What an href (absolute URL or absolute path, still percent-encoded) says about a row of the listing of
// `collection` (decoded path, no trailing slash; "" for the server's root).
struct HrefPlace {
  enum class Kind { self, member, unusable };
  Kind kind = Kind::unusable;
  std::string name;         // of a member
  std::string_view reason;  // of an unusable one
};
[[nodiscard]] HrefPlace place_of(std::string_view href, std::string_view collection);

}  // namespace nithronfs::remote

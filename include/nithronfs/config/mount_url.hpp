// What is mounted, as a person writes it: https://host[:port][/SHARE-NAME] or webdav+https://host/path.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nithronfs/util/result.hpp"

namespace nithronfs::config {

struct MountUrl {
  enum class Protocol : std::uint8_t { nithron, webdav };

  Protocol protocol = Protocol::nithron;
  bool tls = true;
  std::string host;        // lower case; an IPv6 address without its brackets
  std::uint16_t port = 0;  // always set after parsing
  std::string share;       // nithron: the share's name, decoded; empty: all shares
  std::string path;        // webdav: percent-encoded, "" or "/a/b" without a trailing slash

  // scheme://host[:port]; the port only where it is not the scheme's own. What Account::server holds.
  [[nodiscard]] std::string origin() const;
  // What RemoteOptions::base_url wants: the origin, and for plain WebDAV the path of the collection with a
  // slash at its end.
  [[nodiscard]] std::string base_url() const;
  // One spelling per place: two URLs that mean the same give the same text. Parses back to an equal value.
  [[nodiscard]] std::string to_string() const;
  // The host is this machine by its spelling: localhost, 127.0.0.0/8 or ::1.
  [[nodiscard]] bool loopback() const;

  friend bool operator==(const MountUrl&, const MountUrl&) = default;
};

// Errors: invalid_argument, with what is wrong and what to write instead. A user name or password in the URL
// is refused (it would show in `ps` and in /proc/mounts) and is not repeated in the message.
[[nodiscard]] Result<MountUrl> parse_mount_url(std::string_view text);

// Plain HTTP is for loopback, or for whoever said `insecure` (invariant 9).
[[nodiscard]] Result<void> check_transport(const MountUrl& url, bool insecure);

}  // namespace nithronfs::config

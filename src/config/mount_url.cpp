// The grammar is that of RFC 3986, section 3, narrowed to what can be mounted.
#include "nithronfs/config/mount_url.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "text.hpp"
#include "values.hpp"

namespace nithronfs::config {

namespace {

std::unexpected<Error> wrong(std::string_view what) {
  return fail(Errc::invalid_argument, fmt::format("bad URL: {}", what));
}

struct Scheme {
  std::string_view prefix;
  MountUrl::Protocol protocol;
  bool tls;
};
constexpr std::array kSchemes{
    Scheme{"https://", MountUrl::Protocol::nithron, true},
    Scheme{"http://", MountUrl::Protocol::nithron, false},
    Scheme{"webdav+https://", MountUrl::Protocol::webdav, true},
    Scheme{"webdav+http://", MountUrl::Protocol::webdav, false},
};

std::uint16_t default_port(bool tls) {
  return tls ? 443 : 80;
}

std::string_view scheme_of(const MountUrl& url) {
  const auto* const scheme = std::ranges::find_if(
      kSchemes, [&](const Scheme& s) { return s.protocol == url.protocol && s.tls == url.tls; });
  return scheme->prefix;
}

// "." and ".." in a path would be resolved differently by each server and proxy on the way.
Result<std::vector<std::string>> decode_segments(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // the '/'
    const auto raw = path.substr(0, path.find('/'));
    path.remove_prefix(raw.size());
    if (raw.empty()) continue;
    auto name = percent_decode(raw);
    if (!name) return wrong("a % must be followed by two hexadecimal digits");
    if (!is_file_name(*name)) {
      return wrong(fmt::format("\"{}\" cannot be the name of a share or directory", printable(*name)));
    }
    segments.push_back(std::move(*name));
  }
  return segments;
}

Result<std::string> parse_host(std::string_view text) {
  if (text.starts_with('[')) {
    if (!text.ends_with(']')) return wrong("an IPv6 address stands in [brackets]");
    const std::string address(text.substr(1, text.size() - 2));
    in6_addr binary{};
    if (inet_pton(AF_INET6, address.c_str(), &binary) != 1) {
      return wrong(fmt::format("\"{}\" is no IPv6 address", printable(address)));
    }
    std::array<char, INET6_ADDRSTRLEN> canonical{};
    inet_ntop(AF_INET6, &binary, canonical.data(), canonical.size());
    return std::string(canonical.data());
  }
  if (text.empty()) return wrong("the host is missing");
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  };
  std::string host = lower(text);
  if (host.size() > 253 || !std::ranges::all_of(host, allowed)) {
    return wrong(
        fmt::format("\"{}\" is no host name (write other letters in their xn-- form)", printable(text)));
  }
  if (host.front() == '.' || host.front() == '-' || host.find("..") != std::string::npos) {
    return wrong(fmt::format("\"{}\" is no host name", printable(text)));
  }
  return host;
}

Result<void> parse_authority(std::string_view authority, MountUrl& url) {
  // Ahead of everything else, so that no message repeats what may be a password.
  if (authority.find('@') != std::string_view::npos) {
    return wrong(
        "leave name and password out of it, they would be visible to every user of this machine; "
        "`nithronctl login` asks for them");
  }
  const auto bracket = authority.rfind(']');
  const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  auto host = parse_host(authority.substr(0, colon));
  if (!host) return fail(std::move(host.error()));
  url.host = std::move(*host);
  url.port = default_port(url.tls);
  if (colon == std::string_view::npos) return {};
  const auto port = parse_number(authority.substr(colon + 1), 65535);
  if (!port || *port == 0) return wrong("the port is a number from 1 to 65535");
  url.port = static_cast<std::uint16_t>(*port);
  return {};
}

Result<void> parse_path(std::string_view path, MountUrl& url) {
  auto segments = decode_segments(path);
  if (!segments) return fail(std::move(segments.error()));
  if (url.protocol == MountUrl::Protocol::nithron) {
    if (segments->size() > 1) {
      return wrong(
          "after the host comes the name of one share; to mount a plain WebDAV directory, put webdav+ "
          "in front");
    }
    if (!segments->empty()) url.share = std::move(segments->front());
    return {};
  }
  for (const std::string& segment : *segments) url.path += "/" + percent_encode(segment);
  return {};
}

}  // namespace

Result<MountUrl> parse_mount_url(std::string_view text) {
  const auto colon = text.find("://");
  const std::string lowered = colon == std::string_view::npos ? "" : lower(text.substr(0, colon + 3));
  const auto* const scheme = std::ranges::find(kSchemes, lowered, &Scheme::prefix);
  if (scheme == kSchemes.end()) {
    return wrong(
        fmt::format("it begins with {}; write https:// for a NithronOS server, or webdav+https:// for plain "
                    "WebDAV",
                    colon == std::string_view::npos ? "no scheme" : lowered));
  }
  MountUrl url{.protocol = scheme->protocol, .tls = scheme->tls};
  text.remove_prefix(scheme->prefix.size());
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  if (auto done = parse_authority(text.substr(0, end), url); !done) return fail(std::move(done.error()));
  const auto path = text.substr(end);
  if (path.find_first_of("?#") != std::string_view::npos) {
    return wrong("? and # have no meaning here (in a name they are written %3F and %23)");
  }
  if (auto done = parse_path(path, url); !done) return fail(std::move(done.error()));
  return url;
}

Result<void> check_transport(const MountUrl& url, bool insecure) {
  if (url.tls || insecure || url.loopback()) return {};
  return fail(
      Errc::invalid_argument,
      fmt::format("{} is not encrypted: passwords, tokens and files would cross the network in the clear. "
                  "Use https://, or say -o insecure if you mean it",
                  url.to_string()));
}

std::string MountUrl::origin() const {
  const std::string shown_host = host.find(':') == std::string::npos ? host : "[" + host + "]";
  const std::string_view scheme = tls ? "https://" : "http://";
  if (port == default_port(tls)) return fmt::format("{}{}", scheme, shown_host);
  return fmt::format("{}{}:{}", scheme, shown_host, port);
}

std::string MountUrl::base_url() const {
  return protocol == Protocol::nithron ? origin() : origin() + path + "/";
}

std::string MountUrl::to_string() const {
  const std::string_view prefix = scheme_of(*this).substr(0, protocol == Protocol::webdav ? 7 : 0);
  const std::string tail = protocol == Protocol::webdav ? path
                           : share.empty()              ? ""
                                                        : "/" + percent_encode(share);
  return fmt::format("{}{}{}", prefix, origin(), tail);
}

bool MountUrl::loopback() const {
  in_addr address{};
  if (inet_pton(AF_INET, host.c_str(), &address) == 1) return (ntohl(address.s_addr) >> 24) == 127;
  return host == "::1" || host == "localhost";
}

}  // namespace nithronfs::config

// UTF-8, hrefs and names, checked before anything above sees them.
#include "remote/names.hpp"

#include <algorithm>

#include "nithronfs/net/url.hpp"

namespace nithronfs::remote {
namespace {

constexpr std::size_t kMaxNameBytes = 255;

// Length of the well-formed UTF-8 sequence (Unicode 15, table 3-7) at the start of `text`; 0: none.
std::size_t utf8_sequence(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    if (lead == 0xe0) low = 0xa0;   // shorter forms exist
    if (lead == 0xed) high = 0x9f;  // surrogates
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;  // beyond U+10FFFF
  }
  if (length == 0 || text.size() < length || byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
  }
  return length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// The path of an absolute URL, or `href` itself. Which host a server calls itself does not matter: the
// answer came from the one that was asked.
std::string_view path_of(std::string_view href) {
  const auto scheme_end = href.find("://");
  if (scheme_end == std::string_view::npos || href.find('/') < scheme_end) return href;
  const auto path = href.find('/', scheme_end + 3);
  return path == std::string_view::npos ? std::string_view("/") : href.substr(path);
}

HrefPlace unusable(std::string_view reason) {
  return {.kind = HrefPlace::Kind::unusable, .name = {}, .reason = reason};
}

}  // namespace

std::optional<std::string_view> why_unusable(std::string_view name) {
  if (name.empty()) return "the name is empty";
  if (name == "." || name == "..") return "the name is . or ..";
  if (name.size() > kMaxNameBytes) return "the name is longer than 255 bytes";
  if (name.find('/') != std::string_view::npos) return "the name contains a slash";
  if (name.find('\0') != std::string_view::npos) return "the name contains a NUL";
  if (!is_utf8(name)) return "the name is not UTF-8";
  return std::nullopt;
}

std::string for_message(std::string_view text, std::size_t max_bytes) {
  std::string out(text.substr(0, max_bytes));
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  if (text.size() > max_bytes) out += "…";
  return out;
}

HrefPlace place_of(std::string_view href, std::string_view collection) {
  std::string_view path = path_of(href);
  if (!path.starts_with('/')) return unusable("the href is not an absolute path");
  if (path.ends_with('/')) path.remove_suffix(1);
  if (const auto whole = net::percent_decode(path); whole && *whole == collection) {
    return {.kind = HrefPlace::Kind::self, .name = {}, .reason = {}};
  }
  // Split before decoding: an encoded slash belongs to a name, and makes that name unusable.
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return unusable("the href lies outside of the directory");
  const std::string_view parent = path.substr(0, slash);
  const auto decoded_parent = net::percent_decode(parent);
  if (!decoded_parent || *decoded_parent != collection ||
      std::ranges::count(parent, '/') != std::ranges::count(collection, '/')) {
    return unusable("the href lies outside of the directory");
  }
  auto name = net::percent_decode(path.substr(slash + 1));
  if (!name) return unusable("the href is not validly percent-encoded");
  if (const auto reason = why_unusable(*name)) return unusable(*reason);
  return {.kind = HrefPlace::Kind::member, .name = std::move(*name), .reason = {}};
}

}  // namespace nithronfs::remote

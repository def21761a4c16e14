// URL handling on top of libcurl's parser, so that what is checked is what is sent.
#include "nithronfs/net/url.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "net/curl_handles.hpp"

namespace nithronfs::net {
namespace {

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return {};
  const CurlString owner(text);
  return text;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

void append_encoded(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string Origin::authority() const {
  return fmt::format("{}:{}", host, port);
}

Result<Url> parse_url(const std::string& url) {
  const CurlUrl handle(curl_url());
  if (!handle) return fail(Errc::out_of_memory, "no memory to read a URL");
  // A NUL would hide the rest of the text from libcurl.
  if (url.find('\0') != std::string::npos ||
      curl_url_set(handle.get(), CURLUPART_URL, url.c_str(), CURLU_PATH_AS_IS) != CURLUE_OK) {
    return fail(Errc::invalid_argument, "not a valid URL");
  }
  Url parsed;
  parsed.origin.scheme = part(handle.get(), CURLUPART_SCHEME);
  parsed.origin.host = lower(part(handle.get(), CURLUPART_HOST));
  if (parsed.origin.scheme != "https" && parsed.origin.scheme != "http") {
    return fail(Errc::invalid_argument, "only http and https URLs are supported");
  }
  if (!part(handle.get(), CURLUPART_USER).empty() || !part(handle.get(), CURLUPART_PASSWORD).empty()) {
    return fail(Errc::invalid_argument, "a URL must not contain a user name or password");
  }
  const std::string port = part(handle.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), parsed.origin.port);
  if (error != std::errc{} || end != port.data() + port.size()) {
    return fail(Errc::invalid_argument, "the URL has no valid port");
  }
  parsed.path = part(handle.get(), CURLUPART_PATH);
  parsed.query = part(handle.get(), CURLUPART_QUERY);
  return parsed;
}

Result<std::string> resolve_url(const std::string& base, const std::string& reference) {
  const CurlUrl handle(curl_url());
  if (!handle) return fail(Errc::out_of_memory, "no memory to read a URL");
  if (reference.find('\0') != std::string::npos ||
      curl_url_set(handle.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK ||
      curl_url_set(handle.get(), CURLUPART_URL, reference.c_str(), 0) != CURLUE_OK) {
    return fail(Errc::protocol, "the server redirects to something that is not a URL");
  }
  curl_url_set(handle.get(), CURLUPART_FRAGMENT, nullptr, 0);
  return part(handle.get(), CURLUPART_URL);
}

bool is_loopback(const Origin& origin) {
  if (origin.host == "localhost") return true;
  if (origin.host.starts_with('[') && origin.host.ends_with(']')) {
    in6_addr address{};
    const std::string inner = origin.host.substr(1, origin.host.size() - 2);
    return inet_pton(AF_INET6, inner.c_str(), &address) == 1 && IN6_IS_ADDR_LOOPBACK(&address);
  }
  in_addr address{};
  return inet_pton(AF_INET, origin.host.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 16);
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      append_encoded(out, c);
    }
  }
  return out;
}

std::string percent_encode_path(std::string_view path) {
  std::string out;
  out.reserve(path.size() + 16);
  for (const char c : path) {
    if (is_unreserved(c) || c == '/') {
      out += c;
    } else {
      append_encoded(out, c);
    }
  }
  return out;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

}  // namespace nithronfs::net

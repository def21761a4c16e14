// Basic authentication for plain WebDAV servers.
#include "remote/authorizer.hpp"

namespace nithronfs::remote {

std::string base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = bits << 8 | (j < group.size() ? static_cast<unsigned char>(group[j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += j <= group.size() ? kAlphabet[(bits >> (18 - 6 * j)) & 63] : '=';
    }
  }
  return out;
}

BasicAuthorizer::BasicAuthorizer(const std::string& username, const std::string& password)
    : value_(username.empty() ? std::string() : "Basic " + base64(username + ":" + password)) {}

Task<Result<std::string>> BasicAuthorizer::authorization(std::string refused) {
  if (refused.empty() && !value_.empty()) co_return value_;
  if (refused.empty()) co_return std::string();
  co_return fail(Errc::not_logged_in, "the server does not accept this name and password");
}

}  // namespace nithronfs::remote

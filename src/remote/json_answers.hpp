// The JSON of the sync API, checked field by field. The only door to the JSON parser for the wire.
//
// Shapes are tolerated where servers are known to differ (a list as array or inside an object, null for an
// empty list, two names for a field); values that make no sense are not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nithronfs/remote/auth.hpp"
#include "nithronfs/remote/types.hpp"
#include "nithronfs/util/result.hpp"

namespace nithronfs::remote {

// Errors of all: protocol.
[[nodiscard]] Result<std::vector<Share>> parse_shares(std::string_view body);
[[nodiscard]] Result<Capabilities> parse_capabilities(std::string_view body);

// What registering or refreshing a device gives.
struct TokenPair {
  std::string device_id;  // empty in the answer to a refresh
  std::string device_token;
  std::string refresh_token;
  std::int64_t expires_at = 0;  // Unix seconds; 0: not told, or not understood
};
[[nodiscard]] Result<TokenPair> parse_tokens(std::string_view body);

[[nodiscard]] std::string login_body(const Credentials& credentials);
[[nodiscard]] std::string registration_body(const std::string& device_name, const std::string& os_version);
[[nodiscard]] std::string refresh_body(const std::string& refresh_token);

// The account file's content. Errors of parsing: corrupt.
[[nodiscard]] std::string account_to_json(const Account& account);
[[nodiscard]] Result<Account> account_from_json(std::string_view text);
[[nodiscard]] Result<WebdavCredentials> webdav_credentials_from_json(std::string_view text);

// What an error answer says, from any of the envelopes that servers use; empty fields where it says nothing.
struct ErrorText {
  std::string code;     // for programs
  std::string message;  // for people; one line, no secrets
};
[[nodiscard]] ErrorText parse_error_text(std::string_view body);

// RFC 3339 date-time to Unix seconds; nothing when it is not one.
[[nodiscard]] std::optional<std::int64_t> parse_rfc3339(std::string_view text);

}  // namespace nithronfs::remote

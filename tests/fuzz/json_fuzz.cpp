// Any bytes as an answer of the sync API: every reader either refuses or gives values that keep its promises.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <unordered_set>

#include "remote/json_answers.hpp"
#include "remote/names.hpp"

namespace {

using namespace nithronfs;
using namespace nithronfs::remote;

void require(bool promise) {
  if (!promise) std::abort();
}

void check_shares(std::string_view body) {
  const auto shares = parse_shares(body);
  if (!shares) return;
  std::unordered_set<std::string> names;
  for (const Share& share : *shares) {
    require(!why_unusable(share.id));
    require(!why_unusable(share.name));
    require(names.insert(share.name).second);
  }
}

void check_tokens(std::string_view body) {
  const auto tokens = parse_tokens(body);
  if (!tokens) return;
  for (const std::string& token : {tokens->device_token, tokens->refresh_token}) {
    require(!token.empty() && token.find_first_of("\r\n ") == std::string::npos);
  }
}

void check_account(std::string_view body) {
  const auto account = account_from_json(body);
  if (!account) return;
  const auto again = account_from_json(account_to_json(*account));
  require(again && again->device_token == account->device_token && again->expires_at == account->expires_at);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  check_shares(body);
  check_tokens(body);
  check_account(body);
  (void)parse_capabilities(body);
  (void)parse_rfc3339(body);
  const ErrorText text = parse_error_text(body);
  require(text.message.size() < 1000 && text.message.find('\n') == std::string::npos);
  return 0;
}

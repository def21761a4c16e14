// Bytes to and from a server, for what no HTTP client sends.
#pragma once

#include <string>
#include <string_view>

namespace refserver::testing {

// Sends the text as far as the server takes it, and returns what comes back until the server closes.
std::string talk_raw(const std::string& server_url, std::string_view text);

}  // namespace refserver::testing

// Logging in: a session by name and password, used once to register this device and get its tokens.
#include <fmt/format.h>
#include <sys/utsname.h>

#include "nithronfs/net/url.hpp"
#include "nithronfs/remote/auth.hpp"
#include "remote/answer.hpp"
#include "remote/json_answers.hpp"

namespace nithronfs::remote {
namespace {

constexpr std::size_t kMaxBody = std::size_t{64} * 1024;
constexpr Nanos kDeadline = std::chrono::seconds(30);

// The login session: lives for minutes, in memory only.
struct SessionCookies {
  std::string header;  // for Cookie
  std::string csrf;
};

std::string system_version() {
  utsname info{};
  if (uname(&info) != 0) return "Linux";
  return fmt::format("{} {}", info.sysname, info.release);
}

// The value of cookie `name`, from all Set-Cookie headers (RFC 6265, 5.2).
std::string cookie(const net::ResponseHead& head, std::string_view name) {
  for (const net::Header& header : head.headers) {
    if (header.name.size() != 10 || !net::ResponseHead{.status = 0, .headers = {header}}.find("Set-Cookie"))
      continue;
    std::string_view pair(header.value);
    pair = pair.substr(0, pair.find(';'));
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
      return std::string(pair.substr(equals + 1));
    }
  }
  return {};
}

net::Request post(std::string url, std::string body) {
  return net::Request{.method = "POST",
                      .url = std::move(url),
                      .headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
                      .body = std::move(body),
                      .priority = net::Priority::foreground,
                      .repeatable = false,
                      .deadline = kDeadline};
}

Error login_refused(const net::Response& response, bool with_code) {
  const ErrorText text = parse_error_text(response.body);
  std::string message = with_code ? "the server does not accept this name, password and code"
                                  : "wrong name or password, or a code (second factor) is needed as well";
  if (!text.message.empty()) message += fmt::format(" (the server says: {})", text.message);
  return {Errc::not_logged_in, std::move(message)};
}

Result<SessionCookies> read_login(const net::Response& response, bool with_code) {
  if (response.head.status == 401) return fail(login_refused(response, with_code));
  if (response.head.status == 404) {
    return fail(Errc::protocol, "this address does not offer the NithronOS API; check the URL");
  }
  if (response.head.status != 200 && response.head.status != 204) {
    return fail(error_of(response.head, response.body));
  }
  if (is_web_page(response.head)) return fail(web_page_error());
  const std::string session = cookie(response.head, "nos_session");
  SessionCookies cookies{.header = "nos_session=" + session, .csrf = cookie(response.head, "nos_csrf")};
  if (session.empty()) return fail(Errc::protocol, "the server accepted the login but opened no session");
  if (!cookies.csrf.empty()) cookies.header += "; nos_csrf=" + cookies.csrf;
  return cookies;
}

Result<TokenPair> read_registration(const net::Response& response) {
  const int status = response.head.status;
  if (status == 403) {
    const ErrorText text = parse_error_text(response.body);
    return fail(
        Errc::permission,
        fmt::format("the server does not let this account register a device{}{}; a second factor may have "
                    "to be set up or confirmed first",
                    text.message.empty() ? "" : ": ", text.message));
  }
  if (status == 409) {
    return fail(Errc::too_large,
                "this account has as many devices as the server allows (20); remove one there first");
  }
  if (status != 201 && status != 200) return fail(error_of(response.head, response.body));
  if (is_web_page(response.head)) return fail(web_page_error());
  auto tokens = parse_tokens(response.body);
  if (tokens && tokens->device_id.empty()) {
    return fail(Errc::protocol, "the server registered the device but did not say under which id");
  }
  return tokens;
}

}  // namespace

Task<Result<Account>> register_device(net::HttpClient& client, std::string server, Credentials credentials) {
  while (server.ends_with('/')) server.pop_back();
  auto login =
      co_await net::fetch(client, post(server + "/api/v1/auth/login", login_body(credentials)), kMaxBody);
  if (!login) co_return fail(std::move(login.error()));
  const auto cookies = read_login(*login, !credentials.code.empty());
  if (!cookies) co_return fail(cookies.error());

  net::Request registration = post(server + "/api/v1/sync/devices/register",
                                   registration_body(credentials.device_name, system_version()));
  registration.headers.push_back({"Cookie", cookies->header});
  if (!cookies->csrf.empty()) registration.headers.push_back({"X-CSRF-Token", cookies->csrf});
  auto registered = co_await net::fetch(client, std::move(registration), kMaxBody);
  if (!registered) co_return fail(std::move(registered.error()));
  const auto tokens = read_registration(*registered);
  if (!tokens) co_return fail(tokens.error());
  co_return Account{.server = server,
                    .username = credentials.username,
                    .device_id = tokens->device_id,
                    .device_name = credentials.device_name,
                    .device_token = tokens->device_token,
                    .refresh_token = tokens->refresh_token,
                    .expires_at = tokens->expires_at,
                    .pinned_pubkey = {}};
}

}  // namespace nithronfs::remote

// Logging in and out.
#include <fmt/format.h>

#include "api.hpp"
#include "router.hpp"

namespace refserver {
namespace {

Response failed_login(const LoginFailure& failure) {
  switch (failure.reason) {
    case LoginFailure::Reason::too_many:
      return too_many_response(failure.retry_after_seconds);
    case LoginFailure::Reason::code_needed:
      return error_response(401, "auth.totp_required", "a code of the second factor is needed");
    case LoginFailure::Reason::bad_code:
      return error_response(401, "auth.totp_invalid", "the code is wrong or was used before");
    case LoginFailure::Reason::bad_credentials:
      break;
  }
  return error_response(401, "auth.invalid_credentials", "wrong user name or password");
}

}  // namespace

Response login(ApiCall& call) {
  auto body = json_object(call);
  if (!body) return std::move(body.error());
  auto username = required_text(*body, "username", 256);
  if (!username) return std::move(username.error());
  auto password = required_text(*body, "password", 1024);
  if (!password) return std::move(password.error());
  auto code = optional_text(*body, "code", 16);
  if (!code) return std::move(code.error());
  auto session = call.server.accounts->login(call.request.client_address, *username, *password, *code);
  if (!session) return failed_login(session.error());
  auto response = json_response(
      200, {{"user", {{"username", session->user}}}, {"expires_at", rfc3339(session->expires)}});
  auto age = call.server.session_seconds;
  response.headers.add(
      "Set-Cookie",
      fmt::format("nos_session={}; Path=/; Max-Age={}; HttpOnly; Secure; SameSite=Strict", session->id, age));
  response.headers.add("Set-Cookie", fmt::format("nos_csrf={}; Path=/; Max-Age={}; Secure; SameSite=Strict",
                                                 session->csrf_token, age));
  return response;
}

Response logout(ApiCall& call) {
  if (auto id = cookie(call.request, "nos_session")) call.server.accounts->logout(*id);
  return {.status = 204};
}

}  // namespace refserver

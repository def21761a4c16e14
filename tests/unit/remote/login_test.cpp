// Logging in and registering a device.
#include "remote_fixture.hpp"

namespace nithronfs::remote {
namespace {

constexpr const char* kTokens =
    R"({"device_id":"d9","device_token":"nos_dt_new","refresh_token":"nos_rt_new","expires_at":"2026-02-20T10:11:12Z"})";

class LoginTest : public RemoteTest {
 protected:
  // A server whose log-in answers with `login` and whose registration answers with `registration`.
  Result<Account> log_in(const ScriptReply& login, const ScriptReply& registration,
                         const std::string& code = {}) {
    start_server([=](const ScriptRequest& request) {
      return request.target == "/api/v1/auth/login" ? login : registration;
    });
    return wait_for(register_device(
        *client_, server_->url() + "/",
        Credentials{.username = "bob", .password = "s3cret", .code = code, .device_name = "laptop"}));
  }
  static ScriptReply session() {
    return ScriptReply::ok("{}", {{"Set-Cookie", "nos_session=abc; Path=/; HttpOnly; Secure"},
                                  {"set-cookie", "nos_csrf=def; Path=/; Secure"}});
  }
};

TEST_F(LoginTest, RegistersADevice) {
  const auto account =
      log_in(session(), ScriptReply::status(201, kTokens, {{"Content-Type", "text/plain"}}), "123456");
  ASSERT_OK(account);
  EXPECT_EQ(account->server, server_->url());
  EXPECT_EQ(account->username, "bob");
  EXPECT_EQ(account->device_id, "d9");
  EXPECT_EQ(account->device_name, "laptop");
  EXPECT_EQ(account->device_token, "nos_dt_new");
  EXPECT_EQ(account->refresh_token, "nos_rt_new");
  EXPECT_EQ(account->expires_at, 1771582272);

  const auto requests = server_->requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].body, R"({"code":"123456","password":"s3cret","username":"bob"})");
  EXPECT_EQ(requests[1].target, "/api/v1/sync/devices/register");
  EXPECT_EQ(requests[1].header("Cookie"), "nos_session=abc; nos_csrf=def");
  EXPECT_EQ(requests[1].header("X-CSRF-Token"), "def");
  EXPECT_NE(requests[1].body.find(R"("device_type":"linux")"), std::string::npos);
  EXPECT_EQ(requests[1].body.find("s3cret"), std::string::npos);
}

TEST_F(LoginTest, ARefusalTellsWhatMayBeMissing) {
  const auto account = log_in(ScriptReply::status(401, R"({"error":{"code":"auth.invalid","message":"no"}})"),
                              ScriptReply::ok());
  EXPECT_FAILS(account, Errc::not_logged_in);
  EXPECT_NE(account.error().message.find("code"), std::string::npos);
  EXPECT_EQ(account.error().message.find("s3cret"), std::string::npos);
  EXPECT_EQ(server_->request_count(), 1U);  // servers count attempts
}

TEST_F(LoginTest, TooManyAttemptsTellWhenToTryAgain) {
  const auto account = log_in(ScriptReply::status(429, "", {{"Retry-After", "840"}}), ScriptReply::ok());
  EXPECT_FAILS(account, Errc::busy);
  EXPECT_NE(account.error().message.find("840"), std::string::npos);
  EXPECT_EQ(server_->request_count(), 1U);
}

TEST_F(LoginTest, AFailingServerIsNotAskedTwice) {
  EXPECT_FAILS(log_in(ScriptReply::status(503, ""), ScriptReply::ok()), Errc::server);
  EXPECT_EQ(server_->request_count(), 1U);
}

TEST_F(LoginTest, OtherAnswersAreUnderstood) {
  EXPECT_FAILS(log_in(ScriptReply::status(404, "x"), ScriptReply::ok()), Errc::protocol);
  EXPECT_FAILS(log_in(ScriptReply::ok("<html>", {{"Content-Type", "text/html"}}), ScriptReply::ok()),
               Errc::protocol);
  EXPECT_FAILS(log_in(ScriptReply::ok("{}"), ScriptReply::ok()), Errc::protocol);
  EXPECT_FAILS(log_in(session(), ScriptReply::status(403, R"({"error":"2fa required"})")), Errc::permission);
  EXPECT_FAILS(log_in(session(), ScriptReply::status(409, R"({"error":{"code":"device.limit"}})")),
               Errc::too_large);
  EXPECT_FAILS(log_in(session(), ScriptReply::status(500, "")), Errc::server);
  EXPECT_FAILS(log_in(session(), ScriptReply::status(201, "{}")), Errc::protocol);
  EXPECT_FAILS(log_in(session(),
                      ScriptReply::status(201, R"({"device_token":"nos_dt_a","refresh_token":"nos_rt_b"})")),
               Errc::protocol);
}

}  // namespace
}  // namespace nithronfs::remote

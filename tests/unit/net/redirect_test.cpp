// Redirects: followed where nothing can leak, refused elsewhere (invariant 9).
#include "net_fixture.hpp"

namespace nithronfs::net {
namespace {

ScriptReply redirect(int status, const std::string& to) {
  return ScriptReply::status(status, "moved", {{"Location", to}});
}

Request with_token(std::string url, std::string method = "GET") {
  return Request{.method = std::move(method),
                 .url = std::move(url),
                 .headers = {{"Authorization", "Bearer nos_dt_secret"}}};
}

TEST_F(NetTest, FollowsARedirectOnTheSameServer) {
  HttpScriptServer server([](const ScriptRequest& request) {
    return request.target == "/old/a" ? redirect(301, "../new/b?c") : ScriptReply::ok("here");
  });
  const auto client = make_client();
  const auto receiver = std::make_shared<RecordingReceiver>();
  client->start(with_token(server.url("/old/a")), receiver);
  ASSERT_OK(receiver->wait());
  EXPECT_EQ(receiver->body(), "here");
  EXPECT_EQ(receiver->heads(), 1);
  EXPECT_EQ(server.requests().at(1).target, "/new/b?c");
  EXPECT_EQ(server.requests().at(1).header("Authorization"), "Bearer nos_dt_secret");
}

TEST_F(NetTest, KeepsMethodAndBodyOfAPropfind) {
  HttpScriptServer server([](const ScriptRequest& request) {
    return request.target == "/dir" ? redirect(301, "/dir/") : ScriptReply::status(207, "<x/>");
  });
  const auto client = make_client();
  ASSERT_OK(get(*client, Request{.method = "PROPFIND", .url = server.url("/dir"), .body = "<p/>"}));
  EXPECT_EQ(server.requests().at(1).method, "PROPFIND");
  EXPECT_EQ(server.requests().at(1).body, "<p/>");
}

TEST_F(NetTest, TheTokenDoesNotFollowARedirectToAnotherServer) {
  HttpScriptServer thief([](const ScriptRequest&) { return ScriptReply::ok("thanks"); });
  for (const int status : {301, 302, 303, 307, 308}) {
    HttpScriptServer server([&](const ScriptRequest&) { return redirect(status, thief.url("/steal")); });
    const auto client = make_client();
    const auto response = get(*client, with_token(server.url("/")));
    EXPECT_FAILS(response, Errc::protocol);
    EXPECT_NE(response.error().message.find("127.0.0.1:" + std::to_string(thief.port())), std::string::npos);
    EXPECT_EQ(response.error().message.find("nos_dt"), std::string::npos);
  }
  EXPECT_EQ(thief.connection_count(), 0U);
}

TEST_F(NetTest, NeitherToAnotherSchemeNorNameNorUser) {
  for (const std::string target :
       {"https://127.0.0.1:PORT/", "http://localhost:PORT/", "//localhost:PORT/x",
        "http://127.0.0.1:PORT@127.0.0.2/", "ftp://127.0.0.1:PORT/", "http://[", "file:///x"}) {
    std::uint16_t port = 0;
    HttpScriptServer server([&](const ScriptRequest&) {
      std::string location = target;
      if (const auto at = location.find("PORT"); at != std::string::npos)
        location.replace(at, 4, std::to_string(port));
      return redirect(302, location);
    });
    port = server.port();
    const auto client = make_client();
    EXPECT_FAILS(get(*client, with_token(server.url("/"))), Errc::protocol);
    EXPECT_EQ(server.request_count(), 1U) << target;
  }
}

TEST_F(NetTest, RedirectsInCirclesEnd) {
  HttpScriptServer server([](const ScriptRequest&) { return redirect(302, "/again"); });
  const auto client = make_client();
  EXPECT_FAILS(get(*client, server.url("/")), Errc::protocol);
  EXPECT_EQ(server.request_count(), 6U);
}

TEST_F(NetTest, ARedirectToNowhereIsAnError) {
  HttpScriptServer server([](const ScriptRequest&) { return ScriptReply::status(302, "x"); });
  const auto client = make_client();
  EXPECT_FAILS(get(*client, server.url("/")), Errc::protocol);
}

TEST_F(NetTest, AChangeIsNotSentElsewhere) {
  HttpScriptServer server([](const ScriptRequest&) { return redirect(307, "/elsewhere"); });
  const auto client = make_client();
  for (const char* method : {"POST", "PUT", "DELETE", "MOVE", "MKCOL"}) {
    EXPECT_FAILS(get(*client, Request{.method = method, .url = server.url("/"), .repeatable = false}),
                 Errc::protocol);
  }
  EXPECT_EQ(server.request_count(), 5U);
}

}  // namespace
}  // namespace nithronfs::net

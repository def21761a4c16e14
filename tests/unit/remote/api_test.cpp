// Shares, capabilities, space, and whether the server is there.
#include "remote_fixture.hpp"

namespace nithronfs::remote {
namespace {

class ApiTest : public RemoteTest {};

HttpScriptServer::Handler always(ScriptReply reply) {
  return [reply = std::move(reply)](const ScriptRequest&) { return reply; };
}

TEST_F(ApiTest, ListsShares) {
  serve(always(ScriptReply::ok(R"({"shares":[{"share_id":"s1","share_name":"Photos"}],"count":1})",
                               {{"Content-Type", "text/plain"}})));
  const auto shares = wait_for(remote_->shares({}));
  ASSERT_OK(shares);
  EXPECT_EQ(shares->at(0).name, "Photos");
  EXPECT_EQ(server_->requests().at(0).target, "/api/v1/sync/shares");
  EXPECT_EQ(server_->requests().at(0).header("Authorization"), "Bearer nos_dt_first");
}

TEST_F(ApiTest, AWebPageIsNoListOfShares) {
  serve(always(
      ScriptReply::ok("<html>Welcome to the hotel</html>", {{"Content-Type", "text/html; charset=utf-8"}})));
  const auto shares = wait_for(remote_->shares({}));
  EXPECT_FAILS(shares, Errc::protocol);
  EXPECT_NE(shares.error().message.find("web page"), std::string::npos);
}

TEST_F(ApiTest, GarbledJsonIsSaidToBe) {
  for (const char* body : {"", "{\"shares\":[", "null", "\xff\xfe"}) {
    serve(always(ScriptReply::ok(body)));
    EXPECT_FAILS(wait_for(remote_->shares({})), Errc::protocol);
  }
}

TEST_F(ApiTest, CapabilitiesAreAskedOnce) {
  serve(always(ScriptReply::ok(R"({"protocol":1,"features":["dav.conditional"]})")));
  EXPECT_FALSE(remote_->atomic_versions());
  for (int i = 0; i < 3; ++i) {
    const auto capabilities = wait_for(remote_->capabilities({}));
    ASSERT_OK(capabilities);
    EXPECT_TRUE(capabilities->dav_conditional);
    EXPECT_FALSE(capabilities->uploads);
  }
  EXPECT_TRUE(remote_->atomic_versions());
  EXPECT_EQ(server_->request_count(), 1U);
}

TEST_F(ApiTest, AServerWithoutTheQuestionHasNone) {
  serve(always(ScriptReply::status(404, "404 page not found")));
  for (int i = 0; i < 2; ++i) {
    const auto capabilities = wait_for(remote_->capabilities({}));
    ASSERT_OK(capabilities);
    EXPECT_FALSE(capabilities->dav_conditional);
  }
  EXPECT_EQ(server_->request_count(), 1U);
  EXPECT_FALSE(remote_->atomic_versions());
}

TEST_F(ApiTest, ARefusalWithoutABodyMeansNone) {
  serve(always(ScriptReply::status(401)));
  ASSERT_OK(wait_for(remote_->capabilities({})));
  EXPECT_EQ(server_->request_count(), 1U);  // no renewal over it
}

TEST_F(ApiTest, AFailingServerIsNotAServerWithout) {
  serve(always(ScriptReply::status(500, "oops")));
  EXPECT_FAILS(wait_for(remote_->capabilities({})), Errc::server);
}

TEST_F(ApiTest, TellsSpace) {
  serve(always(multistatus(
      "<D:response><D:href>/dav/s/</D:href><D:propstat><D:prop><D:quota-available-bytes>70</"
      "D:quota-available-bytes>"
      "<D:quota-used-bytes>30</D:quota-used-bytes></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
      "</D:response>")));
  const auto space = wait_for(remote_->space("s", {}));
  ASSERT_OK(space);
  EXPECT_EQ(space->total_bytes, 100U);
  EXPECT_EQ(space->available_bytes, 70U);
}

TEST_F(ApiTest, ManyServersDoNotTellSpace) {
  serve(always(multistatus(response_xml("/dav/s/"))));
  EXPECT_FAILS(wait_for(remote_->space("s", {})), Errc::not_supported);
}

TEST_F(ApiTest, NonsenseAboutSpaceIsNotBelieved) {
  serve(always(
      multistatus("<D:response><D:href>/dav/s/</D:href><D:propstat><D:prop><D:quota-available-bytes>-3"
                  "</D:quota-available-bytes></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
                  "</D:response>")));
  EXPECT_FAILS(wait_for(remote_->space("s", {})), Errc::protocol);
}

TEST_F(ApiTest, KnowsWhetherTheServerIsThere) {
  serve(always(ScriptReply::status(500)));
  EXPECT_FAILS(wait_for(remote_->shares({})), Errc::server);
  EXPECT_TRUE(remote_->online());  // it answered
  server_.reset();
  EXPECT_FAILS(wait_for(remote_->shares({})), Errc::offline);
  EXPECT_FALSE(remote_->online());
}

TEST_F(ApiTest, BusyServersAreQuoted) {
  serve(always(ScriptReply::status(
      429, R"({"error":{"code":"rate.limited","message":"slow down","retryAfterSec":900}})",
      {{"Retry-After", "900"}})));
  const auto shares = wait_for(remote_->shares({}));
  EXPECT_FAILS(shares, Errc::busy);
  EXPECT_NE(shares.error().message.find("900 seconds"), std::string::npos);
  EXPECT_NE(shares.error().message.find("slow down"), std::string::npos);
}

}  // namespace
}  // namespace nithronfs::remote

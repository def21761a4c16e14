// Plain WebDAV: one share, basic authentication, no API.
#include "remote_fixture.hpp"

namespace nithronfs::remote {
namespace {

class WebDavTest : public RemoteTest {};

TEST_F(WebDavTest, TheCollectionIsTheOneShare) {
  serve_webdav([](const ScriptRequest&) { return multistatus(response_xml("/my%20files/")); },
               "/my%20files/");
  const auto shares = wait_for(remote_->shares({}));
  ASSERT_OK(shares);
  ASSERT_EQ(shares->size(), 1U);
  EXPECT_EQ(shares->front().id, "");
  EXPECT_EQ(shares->front().name, "my files");
  EXPECT_EQ(server_->requests().at(0).target, "/my%20files/");
  EXPECT_EQ(server_->requests().at(0).header("Authorization"), "");
}

TEST_F(WebDavTest, AServersRootWorksToo) {
  serve_webdav([](const ScriptRequest&) { return multistatus(response_xml("/") + response_xml("/a")); }, "");
  EXPECT_TRUE(wait_for(remote_->shares({}))->front().name.starts_with("127.0.0.1:"));
  const auto recorder = std::make_shared<ListRecorder>();
  ASSERT_OK(wait_for(remote_->list("", "", recorder, {})));
  EXPECT_EQ(recorder->names, std::vector<std::string>{"a"});
}

TEST_F(WebDavTest, SendsNameAndPassword) {
  serve_webdav([](const ScriptRequest&) { return multistatus(response_xml("/files/")); }, "/files", "bob",
               "pässword");
  ASSERT_OK(wait_for(remote_->shares({})));
  EXPECT_EQ(server_->requests().at(0).header("Authorization"), "Basic Ym9iOnDDpHNzd29yZA==");
}

TEST_F(WebDavTest, AWrongPasswordIsNotSentAgain) {
  serve_webdav([](const ScriptRequest&) { return ScriptReply::status(401, "no"); }, "/files", "bob", "wrong");
  const auto shares = wait_for(remote_->shares({}));
  EXPECT_FAILS(shares, Errc::not_logged_in);
  EXPECT_EQ(shares.error().message.find("wrong"), std::string::npos);
  EXPECT_EQ(server_->request_count(), 1U);
}

TEST_F(WebDavTest, AFileIsNoShare) {
  serve_webdav([](const ScriptRequest&) { return multistatus(response_xml("/files")); });
  EXPECT_FAILS(wait_for(remote_->shares({})), Errc::not_directory);
}

TEST_F(WebDavTest, SomethingElseThanWebDavIsSaidToBe) {
  serve_webdav([](const ScriptRequest&) { return ScriptReply::status(405, ""); });
  const auto shares = wait_for(remote_->shares({}));
  EXPECT_FAILS(shares, Errc::not_supported);
  EXPECT_NE(shares.error().message.find("WebDAV"), std::string::npos);
}

TEST_F(WebDavTest, HasNoCapabilities) {
  serve_webdav([](const ScriptRequest&) { return ScriptReply::ok(); });
  const auto capabilities = wait_for(remote_->capabilities({}));
  ASSERT_OK(capabilities);
  EXPECT_FALSE(capabilities->dav_conditional);
  EXPECT_FALSE(remote_->atomic_versions());
  EXPECT_EQ(server_->request_count(), 0U);
}

TEST_F(WebDavTest, AUrlThatIsNoneIsSaidToBe) {
  remote_ = make_webdav_remote(*client_, seams_.seams(), RemoteOptions{.base_url = "nonsense"});
  EXPECT_FAILS(wait_for(remote_->shares({})), Errc::invalid_argument);
}

}  // namespace
}  // namespace nithronfs::remote

// The sync API's JSON, in all the shapes that servers send.
#include "remote/json_answers.hpp"

#include <gtest/gtest.h>

namespace nithronfs::remote {
namespace {

TEST(SharesTest, ReadsTheShapeOfServers) {
  const auto shares = parse_shares(R"({"shares":[{"share_id":"s1","share_name":"Photos","share_path":"/srv/p",
    "sync_enabled":true,"total_size":123,"file_count":4,"exclude_patterns":["*.tmp","~*"]}],"count":1})");
  ASSERT_TRUE(shares) << shares.error().message;
  ASSERT_EQ(shares->size(), 1U);
  const Share& share = shares->front();
  EXPECT_EQ(share.id, "s1");
  EXPECT_EQ(share.name, "Photos");
  EXPECT_EQ(share.total_size, 123U);
  EXPECT_EQ(share.file_count, 4U);
  EXPECT_EQ(share.exclude_patterns, (std::vector<std::string>{"*.tmp", "~*"}));
  EXPECT_FALSE(share.read_only);
}

TEST(SharesTest, ReadsTheShapeOfThePlan) {
  const auto shares = parse_shares(R"([{"id":7,"name":"Docs","path":"/x","read_only":true},{"id":"b"}])");
  ASSERT_TRUE(shares) << shares.error().message;
  ASSERT_EQ(shares->size(), 2U);
  EXPECT_EQ(shares->at(0).id, "7");
  EXPECT_TRUE(shares->at(0).read_only);
  EXPECT_EQ(shares->at(1).name, "b");
}

TEST(SharesTest, NullIsAnEmptyList) {
  EXPECT_TRUE(parse_shares(R"({"shares":null,"count":0})")->empty());
  EXPECT_TRUE(parse_shares(R"({"shares":[]})")->empty());
  EXPECT_TRUE(parse_shares("[]")->empty());
  const auto share = parse_shares(R"([{"id":"a","exclude_patterns":null,"total_size":null,"name":null}])");
  ASSERT_TRUE(share);
  EXPECT_EQ(share->front().name, "a");
}

TEST(SharesTest, LeavesOutWhatIsNotSynced) {
  const auto shares = parse_shares(R"([{"id":"a","sync_enabled":false},{"id":"b"}])");
  ASSERT_EQ(shares->size(), 1U);
  EXPECT_EQ(shares->front().id, "b");
}

TEST(SharesTest, NamesAreFileNamesAndDiffer) {
  const auto shares =
      parse_shares(R"([{"id":"a","name":"x/y"},{"id":"b","name":".."},{"id":"c","name":"same"},
                                       {"id":"d","name":"same"}])");
  ASSERT_TRUE(shares);
  EXPECT_EQ(shares->at(0).name, "a");
  EXPECT_EQ(shares->at(1).name, "b");
  EXPECT_EQ(shares->at(2).name, "same");
  EXPECT_EQ(shares->at(3).name, "same (d)");
}

TEST(SharesTest, RefusesNonsense) {
  for (const std::string body : {"", "null", "{}", "<html>", "{\"shares\":{}}", "{\"shares\":[1]}", "[{}]",
                                 R"([{"id":""}])", R"([{"id":"../x"}])", R"([{"id":"a","total_size":-1}])",
                                 R"([{"id":"a","total_size":"12"}])", R"([{"id":"a","total_size":1.5}])",
                                 R"([{"id":"a","exclude_patterns":[1]}])", R"([{"id":"a"})", "\xff"}) {
    const auto shares = parse_shares(body);
    ASSERT_FALSE(shares) << body;
    EXPECT_EQ(shares.error().code, Errc::protocol) << body;
  }
}

TEST(SharesTest, SurvivesDeepNesting) {
  EXPECT_FALSE(parse_shares(std::string(200'000, '[')));
  EXPECT_FALSE(parse_shares(std::string(100'000, '[') + std::string(100'000, ']')));
}

TEST(CapabilitiesTest, ReadsKnownFeaturesAndIgnoresOthers) {
  const auto some = parse_capabilities(
      R"({"protocol":1,"features":["changes.paged","dav.conditional","new",7],"limits":{}})");
  ASSERT_TRUE(some);
  EXPECT_TRUE(some->changes_paged);
  EXPECT_TRUE(some->dav_conditional);
  EXPECT_FALSE(some->changes_wait);
  EXPECT_FALSE(some->uploads);
  EXPECT_FALSE(parse_capabilities(R"({"features":null})")->posix);
  EXPECT_FALSE(parse_capabilities("{}")->dav_mtime);
  for (const char* body : {"", "[]", "<html>", R"({"features":"all"})"})
    EXPECT_FALSE(parse_capabilities(body)) << body;
}

TEST(TokensTest, ReadsBothFormsOfTheExpiry) {
  const auto text = parse_tokens(R"({"device_id":"d1","device_token":"nos_dt_a","refresh_token":"nos_rt_b",
                                     "expires_at":"2026-02-20T10:11:12Z"})");
  ASSERT_TRUE(text);
  EXPECT_EQ(text->device_id, "d1");
  EXPECT_EQ(text->device_token, "nos_dt_a");
  EXPECT_EQ(text->refresh_token, "nos_rt_b");
  EXPECT_EQ(text->expires_at, 1771582272);
  EXPECT_EQ(parse_tokens(R"({"device_token":"a","refresh_token":"b","expires_at":5})")->expires_at, 5);
  EXPECT_EQ(parse_tokens(R"({"device_token":"a","refresh_token":"b","expires_at":"soon"})")->expires_at, 0);
}

TEST(TokensTest, RefusesTokensThatAreNone) {
  for (const char* body :
       {"", "{}", R"({"device_token":"a"})", R"({"device_token":"","refresh_token":"b"})",
        R"({"device_token":"a\r\nX: y","refresh_token":"b"})", R"({"device_token":1,"refresh_token":"b"})",
        R"({"device_token":"a b","refresh_token":"b"})"}) {
    EXPECT_FALSE(parse_tokens(body)) << body;
  }
}

TEST(ErrorTextTest, ReadsEveryEnvelope) {
  const ErrorText nested =
      parse_error_text(R"({"error":{"code":"cursor.expired","message":"too old","details":{}}})");
  EXPECT_EQ(nested.code, "cursor.expired");
  EXPECT_EQ(nested.message, "too old");
  const ErrorText flat = parse_error_text(R"({"error":"no such share","code":"share.unknown"})");
  EXPECT_EQ(flat.code, "share.unknown");
  EXPECT_EQ(flat.message, "no such share");
  EXPECT_EQ(parse_error_text("plain words\nand more").message, "plain words");
  EXPECT_EQ(parse_error_text("").message, "");
  EXPECT_EQ(parse_error_text("  <html>Gateway</html>").message, "");
  EXPECT_EQ(parse_error_text("[1]").message, "");
  EXPECT_EQ(parse_error_text(R"({"error":{"message":7}})").message, "");
}

TEST(ErrorTextTest, IsShortAndTellsNoSecrets) {
  EXPECT_LT(parse_error_text(std::string(100'000, 'x')).message.size(), 300U);
  const ErrorText text =
      parse_error_text(R"({"error":"token nos_dt_abcdef0123456789abcdef0123456789 unknown"})");
  EXPECT_EQ(text.message.find("nos_dt_abcdef"), std::string::npos) << text.message;
}

TEST(Rfc3339Test, ReadsTimes) {
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_rfc3339("2026-02-20T10:11:12.345678Z"), 1771582272);
  EXPECT_EQ(parse_rfc3339("2026-02-20T12:11:12+02:00"), 1771582272);
  EXPECT_EQ(parse_rfc3339("2026-02-20T05:11:12-05:00"), 1771582272);
  for (const char* text :
       {"", "2026", "2026-02-30T00:00:00Z", "2026-02-20T10:11:12", "2026-02-20T25:00:00Z", "x"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(AccountJsonTest, SurvivesTheRoundTrip) {
  const Account account{.server = "https://nas:1",
                        .username = "b\"ob\xff",
                        .device_id = "d",
                        .device_name = "n",
                        .device_token = "t",
                        .refresh_token = "r",
                        .expires_at = 42,
                        .pinned_pubkey = "sha256//x"};
  const auto read = account_from_json(account_to_json(account));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->server, account.server);
  EXPECT_EQ(read->device_token, "t");
  EXPECT_EQ(read->refresh_token, "r");
  EXPECT_EQ(read->expires_at, 42);
  EXPECT_EQ(read->pinned_pubkey, "sha256//x");
  for (const char* text :
       {"", "{}", "[]", R"({"version":2,"server":"s","device_token":"t"})", R"({"version":1})"}) {
    const auto bad = account_from_json(text);
    ASSERT_FALSE(bad) << text;
    EXPECT_EQ(bad.error().code, Errc::corrupt);
  }
}

}  // namespace
}  // namespace nithronfs::remote

// Origins, loopback, references and percent-encoding.
#include "nithronfs/net/url.hpp"

#include <gtest/gtest.h>

namespace nithronfs::net {
namespace {

Origin origin_of(const std::string& url) {
  const auto parsed = parse_url(url);
  if (!parsed) {
    ADD_FAILURE() << url;
    return {};
  }
  return parsed->origin;
}

TEST(UrlTest, OriginsCompareByWhatTheyMean) {
  EXPECT_EQ(origin_of("https://NAS.local/x"), origin_of("https://nas.local:443/y?z"));
  EXPECT_NE(origin_of("https://nas.local/"), origin_of("http://nas.local/"));
  EXPECT_NE(origin_of("https://nas.local/"), origin_of("https://nas.local:8443/"));
  EXPECT_NE(origin_of("https://nas.local/"), origin_of("https://nas.local.evil/"));
  EXPECT_EQ(origin_of("http://nas:81").authority(), "nas:81");
}

TEST(UrlTest, PathAndQueryStayAsWritten) {
  const auto url = parse_url("http://h/a/../b%2Fc//d?e=f&g");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->path, "/a/../b%2Fc//d");
  EXPECT_EQ(url->query, "e=f&g");
  EXPECT_EQ(parse_url("http://h")->path, "/");
}

TEST(UrlTest, RefusesWhatIsNotPlainHttp) {
  for (const std::string url : {"", "nas", "/x", "ftp://h/", "https://", "https://user@h/", "https://u:p@h/",
                                "http://h:99999/", "http://h:x/"}) {
    EXPECT_FALSE(parse_url(url)) << url;
  }
  EXPECT_FALSE(parse_url(std::string("http://good/\0.evil/", 19)));
}

TEST(UrlTest, KnowsLoopback) {
  for (const char* url : {"http://localhost/", "http://LOCALHOST:8/", "http://127.0.0.1/",
                          "http://127.9.9.9/", "http://[::1]:80/"}) {
    EXPECT_TRUE(is_loopback(origin_of(url))) << url;
  }
  for (const char* url : {"http://192.168.1.1/", "http://localhost.evil/", "http://127.0.0.1.evil/",
                          "http://[::2]/", "http://128.0.0.1/"}) {
    EXPECT_FALSE(is_loopback(origin_of(url))) << url;
  }
}

TEST(UrlTest, ResolvesReferences) {
  EXPECT_EQ(*resolve_url("http://h:81/a/b?q", "c"), "http://h:81/a/c");
  EXPECT_EQ(*resolve_url("http://h:81/a/b?q", "/c#fragment"), "http://h:81/c");
  EXPECT_EQ(*resolve_url("http://h:81/a/b", "//other/c"), "http://other/c");
  EXPECT_FALSE(resolve_url("http://h/", "http://["));
}

TEST(PercentTest, EncodesAllButUnreserved) {
  EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encode("a b+c%d/e?f#g"), "a%20b%2Bc%25d%2Fe%3Ff%23g");
  EXPECT_EQ(percent_encode("\xc3\xa4\n"), "%C3%A4%0A");
  EXPECT_EQ(percent_encode_path("/a b/c"), "/a%20b/c");
}

TEST(PercentTest, DecodesButLeavesPlus) {
  EXPECT_EQ(percent_decode("a+b%20c%2f%C3%a4"), "a+b c/\xc3\xa4");
  EXPECT_EQ(percent_decode("%00"), std::string(1, '\0'));
  EXPECT_EQ(percent_decode("%"), std::nullopt);
  EXPECT_EQ(percent_decode("%4"), std::nullopt);
  EXPECT_EQ(percent_decode("%4g"), std::nullopt);
}

TEST(PercentTest, EveryByteComesBack) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
}

}  // namespace
}  // namespace nithronfs::net

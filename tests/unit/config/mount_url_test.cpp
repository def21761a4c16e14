// Which URLs can be mounted, how they are spelled in one way, and what is said about the others.
#include "nithronfs/config/mount_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nithronfs::config {
namespace {

using testing::HasSubstr;
using testing::Not;

struct GoodUrl {
  const char* text;
  const char* canonical;
  const char* base_url;
  const char* share;
};

class GoodUrls : public testing::TestWithParam<GoodUrl> {};

TEST_P(GoodUrls, AreReadAndSpelledInOneWay) {
  const auto url = parse_mount_url(GetParam().text);
  ASSERT_TRUE(url) << url.error().message;
  EXPECT_EQ(url->to_string(), GetParam().canonical);
  EXPECT_EQ(url->base_url(), GetParam().base_url);
  EXPECT_EQ(url->share, GetParam().share);
  const auto again = parse_mount_url(url->to_string());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *url);
}

INSTANTIATE_TEST_SUITE_P(
    MountUrl, GoodUrls,
    testing::Values(
        GoodUrl{"https://nas", "https://nas", "https://nas", ""},
        GoodUrl{"https://nas/", "https://nas", "https://nas", ""},
        GoodUrl{"HTTPS://NAS.Example.ORG:443/", "https://nas.example.org", "https://nas.example.org", ""},
        GoodUrl{"https://nas:8443/Photos/", "https://nas:8443/Photos", "https://nas:8443", "Photos"},
        GoodUrl{"https://nas/My%20Files", "https://nas/My%20Files", "https://nas", "My Files"},
        GoodUrl{"https://nas/My Files", "https://nas/My%20Files", "https://nas", "My Files"},
        GoodUrl{"https://nas/caf%C3%A9", "https://nas/caf%C3%A9", "https://nas", "caf\xc3\xa9"},
        GoodUrl{"https://nas/a%2Bb+c", "https://nas/a%2Bb%2Bc", "https://nas", "a+b+c"},
        GoodUrl{"http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080", ""},
        GoodUrl{"http://[::1]:8080/x", "http://[::1]:8080/x", "http://[::1]:8080", "x"},
        GoodUrl{"https://[2001:DB8:0:0::7]/", "https://[2001:db8::7]", "https://[2001:db8::7]", ""},
        GoodUrl{"webdav+https://h/a//b/", "webdav+https://h/a/b", "https://h/a/b/", ""},
        GoodUrl{"webdav+http://localhost:80/%e4%bd%a0", "webdav+http://localhost/%E4%BD%A0",
                "http://localhost/%E4%BD%A0/", ""},
        GoodUrl{"webdav+https://h", "webdav+https://h", "https://h/", ""}));

struct BadUrl {
  const char* text;
  const char* said;
};

class BadUrls : public testing::TestWithParam<BadUrl> {};

TEST_P(BadUrls, AreRefusedWithAReason) {
  const auto url = parse_mount_url(GetParam().text);
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().code, Errc::invalid_argument);
  EXPECT_THAT(url.error().message, HasSubstr(GetParam().said));
}

INSTANTIATE_TEST_SUITE_P(
    MountUrl, BadUrls,
    testing::Values(
        BadUrl{"", "https://"}, BadUrl{"nas", "https://"}, BadUrl{"//nas/share", "https://"},
        BadUrl{"ftp://nas", "https://"}, BadUrl{"https:/nas", "https://"},
        BadUrl{"webdav://nas", "webdav+https://"}, BadUrl{"https://", "host is missing"},
        BadUrl{"https:///share", "host is missing"}, BadUrl{"https://nas:", "port"},
        BadUrl{"https://nas:0", "port"}, BadUrl{"https://nas:65536", "port"},
        BadUrl{"https://nas:80x", "port"}, BadUrl{"https://nas:-1", "port"},
        BadUrl{"https://na s", "no host name"}, BadUrl{"https://-nas", "no host name"},
        BadUrl{"https://nas..org", "no host name"}, BadUrl{"https://n\xc3\xa4s", "xn--"},
        BadUrl{"https://[::1", "brackets"}, BadUrl{"https://[nas]", "no IPv6 address"},
        BadUrl{"https://[::1]x", "brackets"}, BadUrl{"https://::1", "host is missing"},
        BadUrl{"https://nas/a/b", "webdav+"}, BadUrl{"https://nas/%zz", "hexadecimal"},
        BadUrl{"https://nas/a%2", "hexadecimal"}, BadUrl{"https://nas/a%2Fb", "cannot be the name"},
        BadUrl{"https://nas/%00", "cannot be the name"}, BadUrl{"https://nas/..", "cannot be the name"},
        BadUrl{"https://nas/%2e%2e", "cannot be the name"}, BadUrl{"https://nas/%FF", "cannot be the name"},
        BadUrl{"https://nas/%ED%A0%80", "cannot be the name"},
        BadUrl{"webdav+https://nas/a/../b", "cannot be the name"}, BadUrl{"https://nas?x=1", "no meaning"},
        BadUrl{"https://nas/share#top", "no meaning"}));

TEST(MountUrl, ARefusedPasswordIsNotRepeated) {
  const auto url = parse_mount_url("https://anna:hunter2@nas/share");
  ASSERT_FALSE(url);
  EXPECT_THAT(url.error().message, HasSubstr("nithronctl login"));
  EXPECT_THAT(url.error().message, Not(HasSubstr("hunter2")));
  EXPECT_THAT(url.error().message, Not(HasSubstr("anna")));
}

TEST(MountUrl, ANameOf255BytesFitsAndOneMoreDoesNot) {
  EXPECT_TRUE(parse_mount_url("https://nas/" + std::string(255, 'n')));
  EXPECT_FALSE(parse_mount_url("https://nas/" + std::string(256, 'n')));
}

TEST(MountUrl, PlainHttpIsForLoopbackOrTheInsecure) {
  for (const char* local : {"http://localhost", "http://127.8.9.10", "http://[::1]", "https://nas"}) {
    EXPECT_TRUE(check_transport(*parse_mount_url(local), false)) << local;
  }
  for (const char* remote :
       {"http://nas", "http://128.0.0.1", "http://127.0.0.1.example.org", "webdav+http://[::2]"}) {
    const auto url = parse_mount_url(remote);
    ASSERT_TRUE(url) << remote;
    EXPECT_FALSE(check_transport(*url, false)) << remote;
    EXPECT_TRUE(check_transport(*url, true)) << remote;
  }
}

}  // namespace
}  // namespace nithronfs::config

// Names and hrefs from a server (S13, invariant 10).
#include "remote/names.hpp"

#include <gtest/gtest.h>

namespace nithronfs::remote {
namespace {

TEST(NamesTest, AllowsWhateverLinuxAllows) {
  for (const std::string name : {"a", "a b", "100%", "#?&+;:@!$'()*,[]\"<>|\\^`{}~", "new\nline", "...",
                                 ".hidden", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\x7f\x01"}) {
    EXPECT_EQ(why_unusable(name), std::nullopt) << name;
  }
  EXPECT_EQ(why_unusable(std::string(255, 'x')), std::nullopt);
}

TEST(NamesTest, RefusesTheOthersWithAReason) {
  for (const std::string& name : {std::string(), std::string("."), std::string(".."), std::string("a/b"),
                                  std::string("a\0b", 3), std::string(256, 'x')}) {
    EXPECT_TRUE(why_unusable(name)) << name;
  }
}

TEST(NamesTest, RefusesWhatIsNotUtf8) {
  for (const char* name : {"\xff", "\x80", "\xc3", "a\xc3(", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                           "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf0\x80\x80\x80", "\xe2\x82"}) {
    EXPECT_TRUE(why_unusable(name)) << name;
  }
}

HrefPlace::Kind kind_of(std::string_view href, std::string_view collection = "/dav/photos") {
  return place_of(href, collection).kind;
}
std::string name_in(std::string_view href, std::string_view collection = "/dav/photos") {
  const HrefPlace place = place_of(href, collection);
  return place.kind == HrefPlace::Kind::member ? place.name : "(not a member)";
}

TEST(HrefTest, FindsTheCollectionItself) {
  EXPECT_EQ(kind_of("/dav/photos"), HrefPlace::Kind::self);
  EXPECT_EQ(kind_of("/dav/photos/"), HrefPlace::Kind::self);
  EXPECT_EQ(kind_of("https://other.name:81/dav/photos/"), HrefPlace::Kind::self);
  EXPECT_EQ(kind_of("/dav/p%68otos/"), HrefPlace::Kind::self);
  EXPECT_EQ(kind_of("/dav/a%20b/", "/dav/a b"), HrefPlace::Kind::self);
  EXPECT_EQ(kind_of("/", ""), HrefPlace::Kind::self);
  EXPECT_EQ(kind_of("https://host", ""), HrefPlace::Kind::self);
}

TEST(HrefTest, FindsMembers) {
  EXPECT_EQ(name_in("/dav/photos/a.jpg"), "a.jpg");
  EXPECT_EQ(name_in("/dav/photos/dir/"), "dir");
  EXPECT_EQ(name_in("http://host/dav/photos/a"), "a");
  EXPECT_EQ(name_in("/dav/photos/a+b%20c%25%23%3F"), "a+b c%#?");
  EXPECT_EQ(name_in("/dav/photos/%E2%82%AC"), "\xe2\x82\xac");
  EXPECT_EQ(name_in("/dav/photos/http%3A"), "http:");
  EXPECT_EQ(name_in("/dav/photos/http://"), "(not a member)");
  EXPECT_EQ(name_in("/a", ""), "a");
}

TEST(HrefTest, RefusesWhatLiesElsewhere) {
  for (const char* href :
       {"/dav/other/a", "/dav", "/dav/photos/a/b", "/dav/photos/a/b/", "/", "", "a", "a/b", "/dav/photosx/a",
        "//dav/photos/a", "/dav//photos/a", "/dav%2Fphotos/a", "/dav/photos/../photos/a"}) {
    EXPECT_EQ(kind_of(href), HrefPlace::Kind::unusable) << href;
  }
}

TEST(HrefTest, RefusesEvilNames) {
  for (const char* href :
       {"/dav/photos/..", "/dav/photos/../", "/dav/photos/%2e%2e", "/dav/photos/.", "/dav/photos/a%2Fb",
        "/dav/photos/..%2F..%2Fetc", "/dav/photos/a%00b", "/dav/photos/%ff", "/dav/photos/%",
        "/dav/photos/%zz", "/dav/photos//", "/dav/photos/%C0%AF"}) {
    const HrefPlace place = place_of(href, "/dav/photos");
    EXPECT_EQ(place.kind, HrefPlace::Kind::unusable) << href;
    EXPECT_FALSE(place.reason.empty()) << href;
  }
}

TEST(ForMessageTest, StaysOneShortLine) {
  EXPECT_EQ(for_message("a\nb\x01"), "a?b?");
  EXPECT_EQ(for_message(std::string(1000, 'x'), 10), "xxxxxxxxxx…");
}

}  // namespace
}  // namespace nithronfs::remote

// All three forms of an HTTP-date, and what is none.
#include "nithronfs/net/http_date.hpp"

#include <gtest/gtest.h>

namespace nithronfs::net {
namespace {

constexpr std::int64_t kExample = 784111777;  // of RFC 9110

TEST(HttpDateTest, ReadsAllThreeForms) {
  for (const char* text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    const auto time = parse_http_date(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(time->seconds, kExample) << text;
    EXPECT_EQ(time->nanoseconds, 0U);
  }
}

TEST(HttpDateTest, KnowsTheCalendar) {
  EXPECT_EQ(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT")->seconds, 0);
  EXPECT_EQ(parse_http_date("Wed, 31 Dec 1969 23:59:59 GMT")->seconds, -1);
  EXPECT_EQ(parse_http_date("Thu, 29 Feb 2024 12:00:00 GMT")->seconds, 1709208000);
  EXPECT_EQ(parse_http_date("Mon Dec 13 00:00:00 2100")->seconds, 4132339200);
  EXPECT_EQ(parse_http_date("Monday, 01-Jan-69 00:00:00 GMT")->seconds, 3124224000);
}

TEST(HttpDateTest, RefusesEverythingElse) {
  for (const char* text :
       {"", " ", "yesterday", "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", ", 06 Nov 1994 08:49:37 GMT", "784111777",
        "Sun Nov 6 08:49:37 1994"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
}

}  // namespace
}  // namespace nithronfs::net

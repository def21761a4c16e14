// Secrets do not reach a log, whatever text carries them (invariant 9).
#include <gtest/gtest.h>

#include "nithronfs/util/log.hpp"

namespace nithronfs {
namespace {

struct Case {
  const char* in;
  const char* out;
};

TEST(RedactTest, TakesSecretsOut) {
  for (const auto& [in, out] : {
           Case{"Authorization: Bearer nos_dt_abc-DEF_9", "Authorization: Bearer [redacted]"},
           Case{"token nos_rt_x1y2 was refused", "token [redacted] was refused"},
           Case{R"({"device_token":"nos_dt_secret"})", R"({"device_token":"[redacted]"})"},
           Case{"authorization: BASIC dXNlcjpwYXNz", "authorization: BASIC [redacted]"},
           Case{"GET https://user:pa@ss@nas/dav failed", "GET https://[redacted]@nas/dav failed"},
           Case{"Cookie: nos_session=abc; nos_csrf=def", "Cookie:[redacted]"},
           Case{"nos_session=abc; rest", "nos_session=[redacted]; rest"},
           Case{R"({"password":"hunter2"})", R"({"password":"[redacted]"})"},
       }) {
    EXPECT_EQ(redact(in), out);
  }
}

TEST(RedactTest, LeavesTheRest) {
  for (const char* text : {"https://nas.local/dav/a@b.txt", "a plain line", "mailto me@example.org", ""}) {
    EXPECT_EQ(redact(text), text);
  }
}

TEST(RedactTest, OneEventStaysOneLine) {
  EXPECT_EQ(redact("a\nb\x1b[31m\r"), "a\\nb\\x1b[31m\\x0d");
  EXPECT_EQ(redact("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
}

TEST(LogTest, UnknownLevelIsRefusedWithTheChoices) {
  EXPECT_EQ(parse_log_level("warning"), LogLevel::warning);
  const auto bad = parse_log_level("loud");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("debug, info, warning, error"), std::string::npos);
}

}  // namespace
}  // namespace nithronfs

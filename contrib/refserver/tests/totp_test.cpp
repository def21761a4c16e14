// One-time passwords against the vectors of RFC 6238, appendix B.
#include "../src/totp.hpp"

#include <gtest/gtest.h>

namespace refserver {
namespace {

constexpr std::string_view rfc_key = "12345678901234567890";

TEST(Totp, VectorsOfRfc6238) {
  EXPECT_EQ(totp_code(rfc_key, 59 / 30, 8), "94287082");
  EXPECT_EQ(totp_code(rfc_key, 1111111109 / 30, 8), "07081804");
  EXPECT_EQ(totp_code(rfc_key, 1234567890 / 30, 8), "89005924");
  EXPECT_EQ(totp_code(rfc_key, 20000000000 / 30, 8), "65353130");
}

TEST(Totp, AcceptsOneStepToEitherSide) {
  constexpr std::int64_t now = 1111111109;
  constexpr std::int64_t step = now / totp_step_seconds;
  EXPECT_EQ(totp_match(rfc_key, totp_code(rfc_key, step), now), step);
  EXPECT_EQ(totp_match(rfc_key, totp_code(rfc_key, step - 1), now), step - 1);
  EXPECT_EQ(totp_match(rfc_key, totp_code(rfc_key, step + 1), now), step + 1);
  EXPECT_FALSE(totp_match(rfc_key, totp_code(rfc_key, step - 2), now));
  EXPECT_FALSE(totp_match(rfc_key, totp_code(rfc_key, step + 2), now));
  EXPECT_FALSE(totp_match(rfc_key, "", now));
}

}  // namespace
}  // namespace refserver

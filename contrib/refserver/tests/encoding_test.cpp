// Encodings and hashes against published vectors.
#include "../src/encoding.hpp"

#include <gtest/gtest.h>

#include "../src/crypto.hpp"
#include "../src/http.hpp"

namespace refserver {
namespace {

TEST(Encoding, Base64OfRfc4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64url("\xfb\xff"), "-_8");
  EXPECT_EQ(base64_decode("Zm8="), "fo");
  EXPECT_EQ(base64_decode("Zm9vYmFy"), "foobar");
}

TEST(Encoding, Base64RefusesWhatItWouldNotWrite) {
  EXPECT_FALSE(base64_decode("Zm8"));
  EXPECT_FALSE(base64_decode("Zm 8"));
  EXPECT_FALSE(base64_decode("Z=8="));
}

TEST(Encoding, Base32OfRfc4648) {
  EXPECT_EQ(base32_decode("MZXW6YTBOI======"), "foobar");
  EXPECT_EQ(base32_decode("mzxw 6ytb oi"), "foobar");
  EXPECT_FALSE(base32_decode("MZXW1"));
}

TEST(Encoding, Utf8) {
  EXPECT_TRUE(is_utf8("plain, \xc3\xa4, \xe2\x82\xac, \xf0\x9f\x98\x80"));
  EXPECT_FALSE(is_utf8("\xff"));
  EXPECT_FALSE(is_utf8("\xc0\xaf"));          // overlong
  EXPECT_FALSE(is_utf8("\xe0\x80\xaf"));      // overlong
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));      // surrogate
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80"));  // above U+10FFFF
  EXPECT_FALSE(is_utf8("\xe2\x82"));          // cut off
}

TEST(Encoding, PercentDecodingLeavesPlusAlone) {
  EXPECT_EQ(percent_decode("a%20b+c%2f"), "a b+c/");
  EXPECT_FALSE(percent_decode("a%2"));
  EXPECT_FALSE(percent_decode("a%zz"));
  EXPECT_EQ(percent_encode_path("a b/\xc3\xa4?#%"), "a%20b/%C3%A4%3F%23%25");
}

TEST(Crypto, Sha256InOneGoAndInPieces) {
  const char* abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(hex(sha256("abc")), abc);
  Sha256 hash;
  hash.update("a");
  hash.update("bc");
  EXPECT_EQ(hex(hash.finish()), abc);
  hash.update("abc");  // starts over after finish()
  EXPECT_EQ(hex(hash.finish()), abc);
}

TEST(Crypto, Adler32) {
  EXPECT_EQ(adler32(""), 1U);
  EXPECT_EQ(adler32("Wikipedia"), 0x11E60398U);
  EXPECT_EQ(adler32("pedia", adler32("Wiki")), 0x11E60398U);
  // Long runs of 0xFF overflow a naive sum.
  std::string many(100000, '\xff');
  std::uint32_t a = 1;
  std::uint32_t b = 0;
  for (std::size_t i = 0; i < many.size(); ++i) {
    a = (a + 255) % 65521;
    b = (b + a) % 65521;
  }
  EXPECT_EQ(adler32(many), b << 16 | a);
}

TEST(Crypto, PasswordHash) {
  auto hash = PasswordHash::of("correct horse", 16);
  EXPECT_TRUE(hash.matches("correct horse"));
  EXPECT_FALSE(hash.matches("correct horsf"));
  EXPECT_FALSE(hash.matches(""));
}

TEST(Http, HeadersIgnoreCaseOfNames) {
  Headers headers{{"Content-Type", "a"}, {"X-One", "1"}};
  headers.add("x-one", "2");
  EXPECT_EQ(headers.get("content-type"), "a");
  EXPECT_EQ(headers.all("X-ONE").size(), 2U);
  headers.set("X-One", "3");
  EXPECT_EQ(headers.all("x-one"), std::vector<std::string_view>{"3"});
}

TEST(Http, Date) {
  EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace refserver

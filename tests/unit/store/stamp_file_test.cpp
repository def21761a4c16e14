// The stamp's format, byte by byte, and everything that is not it.
#include "stamp_file.hpp"

#include <gtest/gtest.h>

namespace nithronfs::store {
namespace {

constexpr std::string_view kGolden =
    "nithronfs index stamp 1\n"
    "schema 7\n"
    "boot 0b8b9c2e-3f0e-4a57-9f5e-6f8f5c7b0d11\n"
    "closed yes\n";

TEST(StampFileTest, FormatOne) {
  const Stamp stamp{.schema = 7, .boot_id = "0b8b9c2e-3f0e-4a57-9f5e-6f8f5c7b0d11", .closed_cleanly = true};
  EXPECT_EQ(encode_stamp(stamp), kGolden);
  EXPECT_EQ(decode_stamp(kGolden), stamp);
}

TEST(StampFileTest, BelievesNothingElse) {
  for (std::size_t length = 0; length < kGolden.size(); ++length) {
    EXPECT_FALSE(decode_stamp(kGolden.substr(0, length))) << length;
  }
  EXPECT_FALSE(decode_stamp(std::string(kGolden) + "more\n"));
  EXPECT_FALSE(decode_stamp("nithronfs index stamp 2\nschema 7\nboot b\nclosed yes\n"));
  EXPECT_FALSE(decode_stamp("nithronfs index stamp 1\nschema 7x\nboot b\nclosed yes\n"));
  EXPECT_FALSE(decode_stamp("nithronfs index stamp 1\nschema -7\nboot b\nclosed yes\n"));
  EXPECT_FALSE(decode_stamp("nithronfs index stamp 1\nschema 99999999999\nboot b\nclosed yes\n"));
  EXPECT_FALSE(decode_stamp("nithronfs index stamp 1\nschema 7\nboot b\nclosed maybe\n"));
}

}  // namespace
}  // namespace nithronfs::store

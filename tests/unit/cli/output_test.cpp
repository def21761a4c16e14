// Sizes, ages, columns, and text that a terminal must not obey.
#include "cli/output.hpp"

#include <gtest/gtest.h>

namespace nithronfs::cli {
namespace {

TEST(Output, SizesAreShortAndExactWhereTheyAreSmall) {
  EXPECT_EQ(human_size(0), "0 B");
  EXPECT_EQ(human_size(1023), "1023 B");
  EXPECT_EQ(human_size(1024), "1 KiB");
  EXPECT_EQ(human_size(1536), "1.5 KiB");
  EXPECT_EQ(human_size((1ull << 20) - 1), "1 MiB");
  EXPECT_EQ(human_size(20ull << 30), "20 GiB");
  EXPECT_EQ(human_size(~0ull), "16 EiB");
}

TEST(Output, AgesAreRoundedDown) {
  const WallTime now{std::chrono::hours(24 * 365)};
  const auto age = [&](std::chrono::seconds seconds) {
    const auto then =
        std::chrono::duration_cast<std::chrono::microseconds>((now - seconds).time_since_epoch());
    return human_age(static_cast<std::uint64_t>(then.count()), now);
  };
  EXPECT_EQ(human_age(0, now), "never");
  EXPECT_EQ(age(std::chrono::seconds(-50)), "just now") << "a clock that was set back";
  EXPECT_EQ(age(std::chrono::seconds(1)), "just now");
  EXPECT_EQ(age(std::chrono::seconds(119)), "119 s ago");
  EXPECT_EQ(age(std::chrono::seconds(120)), "2 min ago");
  EXPECT_EQ(age(std::chrono::hours(3)), "3 h ago");
  EXPECT_EQ(age(std::chrono::hours(50)), "2 days ago");
}

TEST(Output, ControlCharactersAreShownAndLettersStay) {
  EXPECT_EQ(printable("a\x1b[2J\x7f\n"), "a\\x1b[2J\\x7f\\x0a");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\x9b31m")
      << "the one-character form of ESC [";
  EXPECT_EQ(printable("B\xc3\xbc\xe4\xbd\xa0 \xc2\xa0"), "B\xc3\xbc\xe4\xbd\xa0 \xc2\xa0");
}

TEST(Output, ColumnsLineUpByCharactersNotBytes) {
  EXPECT_EQ(table({{"N", "X"}, {"\xc3\xbc\xc3\xbc\xc3\xbc", "1"}}), "N    X\n\xc3\xbc\xc3\xbc\xc3\xbc  1\n");
  EXPECT_EQ(table({}), "");
}

}  // namespace
}  // namespace nithronfs::cli

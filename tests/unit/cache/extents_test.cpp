// Interval sets against a plain array of booleans, and the row format.
#include "nithronfs/cache/extents.hpp"

#include <gtest/gtest.h>

#include <random>

namespace nithronfs::cache {
namespace {

TEST(ExtentsTest, MergesNeighboursAndSplits) {
  Extents extents;
  extents.add({10, 20});
  extents.add({30, 40});
  EXPECT_EQ(extents.count(), 2U);
  extents.add({20, 30});
  EXPECT_EQ(extents.list(), (std::vector<Extent>{{10, 40}}));
  extents.remove({15, 18});
  EXPECT_EQ(extents.list(), (std::vector<Extent>{{10, 15}, {18, 40}}));
  EXPECT_EQ(extents.gaps({0, 50}), (std::vector<Extent>{{0, 10}, {15, 18}, {40, 50}}));
  EXPECT_EQ(extents.next(15), 18U);
  EXPECT_EQ(extents.contiguous_end(12), 15U);
  EXPECT_EQ(extents.contiguous_end(16), 16U);
  EXPECT_TRUE(extents.covers({18, 40}));
  EXPECT_FALSE(extents.covers({14, 19}));
  EXPECT_TRUE(extents.covers({7, 7}));
}

// Every operation, many times, against the obvious implementation.
TEST(ExtentsTest, AgreesWithABitmap) {
  constexpr std::uint64_t size = 64;
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Extents extents;
    std::vector<bool> model(size);
    for (int step = 0; step < 60; ++step) {
      const std::uint64_t a = random() % size;
      const std::uint64_t b = random() % (size + 1);
      const bool adding = random() % 3 != 0;
      if (adding) {
        extents.add({a, b});
      } else {
        extents.remove({a, b});
      }
      for (auto i = a; i < b; ++i) model[i] = adding;
    }
    std::uint64_t total = 0;
    for (std::uint64_t i = 0; i < size; ++i) {
      EXPECT_EQ(extents.covers({i, i + 1}), model[i]) << i;
      total += model[i] ? 1 : 0;
    }
    EXPECT_EQ(extents.total(), total);
    std::uint64_t missing = 0;
    for (const auto& gap : extents.gaps({0, size})) missing += gap.length();
    EXPECT_EQ(missing, size - total);
    const auto copy = Extents::decode(extents.encode(), size);
    ASSERT_TRUE(copy);
    EXPECT_EQ(copy->list(), extents.list());
  }
}

TEST(ExtentsTest, RowFormatIsGolden) {
  Extents extents;
  extents.add({0, 4096});
  extents.add({1 << 20, (1 << 20) + 1});
  using namespace std::string_literals;
  EXPECT_EQ(extents.encode(), "\x01\x00\x80\x20\x80\xe0\x3f\x01"s);
}

TEST(ExtentsTest, RefusesRowsThatDoNotFit) {
  using namespace std::string_literals;
  for (const auto& row : {""s, "\x02"s, "\x01\x00"s, "\x01\x00\x00"s, "\x01\x00\x80"s, "\x01\x05\x06"s,
                          "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02"s}) {
    const auto decoded = Extents::decode(row, 10);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, Errc::corrupt);
  }
}

}  // namespace
}  // namespace nithronfs::cache

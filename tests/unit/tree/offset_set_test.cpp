// The set of offsets against std::set.
#include "offset_set.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace nithronfs::tree {
namespace {

TEST(OffsetSetTest, HoldsExactlyWhatWasInserted) {
  OffsetSet set;
  for (const std::uint64_t offset : {std::uint64_t{1}, std::uint64_t{63}, std::uint64_t{64},
                                     std::uint64_t{4095}, std::uint64_t{4096}, UINT64_MAX}) {
    EXPECT_FALSE(set.contains(offset)) << offset;
    set.insert(offset);
    EXPECT_TRUE(set.contains(offset)) << offset;
  }
  for (const std::uint64_t offset : {0, 2, 62, 65, 4094, 4097, 8191})
    EXPECT_FALSE(set.contains(offset)) << offset;
}

TEST(OffsetSetTest, AgreesWithASet) {
  std::mt19937_64 random(7);
  OffsetSet set;
  std::set<std::uint64_t> model;
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t offset = random() % 20'000;
    if (random() % 2 == 0) {
      set.insert(offset);
      model.insert(offset);
    }
    ASSERT_EQ(set.contains(offset), model.contains(offset)) << offset;
  }
}

}  // namespace
}  // namespace nithronfs::tree

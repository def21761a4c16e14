// Which versions are one (R9), and the numbers that follow from a version (K1).
#include "identity.hpp"

#include <gtest/gtest.h>

#include <set>

namespace nithronfs::tree {
namespace {

using remote::same_version;

remote::Version version(std::string etag, std::uint64_t size = 10, Timestamp mtime = {.seconds = 5}) {
  return {.etag = std::move(etag), .size = size, .mtime = mtime};
}

TEST(SameVersionTest, NeedsEqualSizeAndMtime) {
  EXPECT_TRUE(same_version(version("\"a\""), version("\"a\"")));
  EXPECT_FALSE(same_version(version("\"a\""), version("\"a\"", 11)));
  EXPECT_FALSE(same_version(version("\"a\""), version("\"a\"", 10, {.seconds = 6})));
  EXPECT_FALSE(same_version(version("\"a\""), version("\"a\"", 10, {.seconds = 5, .nanoseconds = 1})));
  EXPECT_FALSE(same_version(version(""), version("", 11)));
}

TEST(SameVersionTest, TakesEtagsAsOpaque) {
  EXPECT_FALSE(same_version(version("\"a\""), version("\"b\"")));
  EXPECT_FALSE(same_version(version("\"a\""), version("\"A\"")));
  EXPECT_FALSE(same_version(version("\"a\""), version("a")));
}

// R9: Apache writes W/"x" for a second after a change, and "x" from then on.
TEST(SameVersionTest, AWeakMarkThatGoesIsNoNewVersion) {
  EXPECT_TRUE(same_version(version("W/\"x\""), version("\"x\"")));
  EXPECT_TRUE(same_version(version("\"x\""), version("W/\"x\"")));
  EXPECT_FALSE(same_version(version("W/\"x\""), version("\"y\"")));
  EXPECT_FALSE(same_version(version("W/\"x\""), version("\"x\"", 11)));
}

TEST(SameVersionTest, WithoutAnEtagSizeAndMtimeDecide) {
  EXPECT_TRUE(same_version(version(""), version("")));
  EXPECT_TRUE(same_version(version("\"a\""), version("")));
  EXPECT_TRUE(same_version(version(""), version("\"a\"")));
}

TEST(BetterEtagTest, StrongBeatsWeakAndSomeBeatsNone) {
  EXPECT_TRUE(better_etag("W/\"x\"", "\"x\""));
  EXPECT_TRUE(better_etag("", "W/\"x\""));
  EXPECT_FALSE(better_etag("\"x\"", "W/\"x\""));
  EXPECT_FALSE(better_etag("\"x\"", ""));
  EXPECT_FALSE(better_etag("\"x\"", "\"x\""));
}

class IdentityTest : public ::testing::Test {
 protected:
  Identity of(std::string_view share, std::string_view path, std::string_view name,
              const remote::Version& version) {
    const auto identity = hasher.file(share, path, name, version);
    EXPECT_TRUE(identity);
    return identity.value_or(Identity{});
  }
  IdentityHasher hasher = *IdentityHasher::create();
};

// These numbers must never change: they are what programs remember and what names cached data on disk.
TEST_F(IdentityTest, Golden) {
  const Identity file = of("share-1", "a/b", "c.txt", version("\"e\"", 10, {.seconds = 5, .nanoseconds = 7}));
  EXPECT_EQ(file.ino, 0x0c400bfde5cdca1eU);
  EXPECT_EQ(file.data_key, (DataKey{0xd9, 0x3d, 0xa5, 0x8c, 0xcf, 0x91, 0x04, 0x5a, 0x0c, 0x34, 0xfb, 0xf8,
                                    0xce, 0x21, 0x87, 0xce}));
  const auto directory = hasher.directory("share-1", "a", "b");
  ASSERT_TRUE(directory);
  EXPECT_EQ(directory->ino, 0xef222edb69f3b38fU);
  EXPECT_EQ(directory->data_key, DataKey{});
}

TEST_F(IdentityTest, EveryPartCounts) {
  const auto base = version("\"e\"");
  const std::vector<Identity> all = {
      of("s", "p", "n", base),
      of("t", "p", "n", base),
      of("s", "q", "n", base),
      of("s", "p", "m", base),
      of("s", "", "n", base),
      of("s", "p", "n", version("\"f\"")),
      of("s", "p", "n", version("\"e\"", 11)),
      of("s", "p", "n", version("\"e\"", 10, {.seconds = 6})),
      of("s", "p", "n", version("\"e\"", 10, {.seconds = 5, .nanoseconds = 1})),
      *hasher.directory("s", "p", "n"),
  };
  std::set<std::uint64_t> inos;
  std::set<DataKey> keys;
  for (const Identity& identity : all) {
    inos.insert(identity.ino);
    keys.insert(identity.data_key);
    EXPECT_GT(identity.ino, kRootIno);
  }
  EXPECT_EQ(inos.size(), all.size());
  EXPECT_EQ(keys.size(), all.size());
}

TEST_F(IdentityTest, ThePathCountsAndNotWhereItIsCut) {
  EXPECT_EQ(of("s", "a/b", "c", version("")).ino, of("s", "a", "b/c", version("")).ino);
  EXPECT_NE(of("s", "a", "bc", version("")).ino, of("s", "ab", "c", version("")).ino);
  EXPECT_NE(of("sa", "b", "c", version("")).ino, of("s", "ab", "c", version("")).ino);
}

TEST_F(IdentityTest, AWeakMarkDoesNotCount) {
  EXPECT_EQ(of("s", "p", "n", version("W/\"e\"")).data_key, of("s", "p", "n", version("\"e\"")).data_key);
}

}  // namespace
}  // namespace nithronfs::tree

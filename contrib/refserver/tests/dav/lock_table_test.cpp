// Locks: who stands in whose way, for how long.
#include "../../src/dav/lock_table.hpp"

#include <gtest/gtest.h>

namespace refserver::dav {
namespace {

using std::chrono::seconds;

class LockTableTest : public ::testing::Test {
 protected:
  std::chrono::steady_clock::time_point now_{};
  LockTable table_{[this] { return now_; }};

  std::expected<Lock, LockTable::Refusal> take(std::string root, bool exclusive = true, bool infinite = false,
                                               seconds timeout = seconds(60)) {
    return table_.acquire({.root = std::move(root),
                           .exclusive = exclusive,
                           .infinite = infinite,
                           .user = "ann",
                           .timeout = timeout});
  }

  std::optional<std::string> obstacle(const Touch& touch, std::vector<std::string> tokens = {},
                                      std::string_view user = "ann") {
    return table_.obstacle(touch, tokens, user);
  }
};

TEST_F(LockTableTest, ExclusiveLocksExcludeAllOthers) {
  ASSERT_TRUE(take("s/a").has_value());
  EXPECT_EQ(take("s/a").error(), LockTable::Refusal::conflict);
  EXPECT_EQ(take("s/a", false).error(), LockTable::Refusal::conflict);
  EXPECT_TRUE(take("s/b").has_value());
}

TEST_F(LockTableTest, SharedLocksShareWithSharedOnes) {
  const auto first = take("s/a", false);
  const auto second = take("s/a", false);
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->token, second->token);
  EXPECT_FALSE(take("s/a", true).has_value());
}

TEST_F(LockTableTest, InfiniteLocksCoverTheTreeInBothDirections) {
  ASSERT_TRUE(take("s/dir", true, true).has_value());
  EXPECT_FALSE(take("s/dir/x").has_value());
  EXPECT_TRUE(take("s/dir-2").has_value()) << "a common prefix is no ancestor";
  ASSERT_TRUE(take("s/other/x").has_value());
  EXPECT_FALSE(take("s/other", true, true).has_value()) << "would cover a locked member";
  EXPECT_TRUE(take("s/other", true, false).has_value());
}

TEST_F(LockTableTest, TokensOpenTheDoorForTheirOwnerOnly) {
  const auto lock = take("s/a");
  EXPECT_EQ(obstacle({.key = "s/a"}), "s/a");
  EXPECT_EQ(obstacle({.key = "s/a"}, {lock->token}), std::nullopt);
  EXPECT_EQ(obstacle({.key = "s/a"}, {lock->token}, "bob"), "s/a");
}

TEST_F(LockTableTest, OneOfTheSharedTokensIsEnough) {
  const auto first = take("s/a", false);
  ASSERT_TRUE(take("s/a", false).has_value());
  EXPECT_EQ(obstacle({.key = "s/a"}, {first->token}), std::nullopt);
}

TEST_F(LockTableTest, ALockedCollectionGuardsItsMembers) {
  const auto lock = take("s/dir");
  EXPECT_EQ(obstacle({.key = "s/dir/x", .changes_membership = true}), "s/dir");
  EXPECT_EQ(obstacle({.key = "s/dir/x"}), std::nullopt) << "depth 0 does not cover the member itself";
  EXPECT_EQ(obstacle({.key = "s/dir/x", .changes_membership = true}, {lock->token}), std::nullopt);
}

TEST_F(LockTableTest, ALockedMemberGuardsTheWholeTree) {
  ASSERT_TRUE(take("s/dir/deep/x").has_value());
  EXPECT_EQ(obstacle({.key = "s/dir", .with_descendants = true}), "s/dir/deep/x");
  EXPECT_EQ(obstacle({.key = "s/dir"}), std::nullopt);
}

TEST_F(LockTableTest, LocksExpireAndAreRefreshed) {
  const auto lock = take("s/a", true, false, seconds(60));
  now_ += seconds(50);
  ASSERT_TRUE(table_.refresh("s/a", lock->token, "ann", seconds(60)).has_value());
  now_ += seconds(50);
  EXPECT_EQ(table_.covering("s/a").size(), 1U);
  now_ += seconds(10);
  EXPECT_TRUE(table_.covering("s/a").empty());
  EXPECT_FALSE(table_.refresh("s/a", lock->token, "ann", seconds(60)).has_value());
  EXPECT_TRUE(take("s/a").has_value());
}

TEST_F(LockTableTest, TimeoutsAreCut) {
  const auto lock = take("s/a", true, false, seconds(1'000'000));
  EXPECT_EQ(lock->timeout, LockTable::max_timeout);
}

TEST_F(LockTableTest, ReleaseNeedsTokenUserAndPlace) {
  const auto lock = take("s/dir", true, true);
  EXPECT_FALSE(table_.release("s/elsewhere", lock->token, "ann"));
  EXPECT_FALSE(table_.release("s/dir", "urn:uuid:other", "ann"));
  EXPECT_FALSE(table_.release("s/dir", lock->token, "bob"));
  EXPECT_TRUE(table_.release("s/dir/member", lock->token, "ann")) << "any covered URL names the lock";
  EXPECT_TRUE(table_.covering("s/dir").empty());
}

TEST_F(LockTableTest, ARemovedTreeTakesItsLocksAlong) {
  ASSERT_TRUE(take("s/dir/x").has_value());
  ASSERT_TRUE(take("s/dir-2").has_value());
  table_.forget_tree("s/dir");
  EXPECT_TRUE(table_.covering("s/dir/x").empty());
  EXPECT_FALSE(table_.covering("s/dir-2").empty());
}

TEST_F(LockTableTest, TheNumberOfLocksIsBounded) {
  for (std::size_t i = 0; i < LockTable::max_locks; ++i) {
    ASSERT_TRUE(take("s", false).has_value());
  }
  EXPECT_EQ(take("s", false).error(), LockTable::Refusal::full);
}

}  // namespace
}  // namespace refserver::dav

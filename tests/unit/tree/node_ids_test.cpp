// Node ids are never handed out twice (K1).
#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

#include "files.hpp"
#include "nithronfs/tree/tree.hpp"

namespace nithronfs::tree {
namespace {

class NodeIdsTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }
  void reopen() {
    ids.reset();
    state.reset();
    auto opened =
        store::Environment::open({.directory = directory / "state", .map_size = 1 << 24, .tables = {"meta"}});
    ASSERT_TRUE(opened) << opened.error().message;
    state = *std::move(opened);
    auto known = NodeIds::open(*state, store::Table{0});
    ASSERT_TRUE(known) << known.error().message;
    ids = *std::move(known);
  }
  std::uint64_t next() { return static_cast<std::uint64_t>(ids->next().value()); }

  nithronfs::test::TempDir directory;
  std::unique_ptr<store::Environment> state;
  std::unique_ptr<NodeIds> ids;
};

TEST_F(NodeIdsTest, StartAboveTheRootAndGrow) {
  EXPECT_EQ(next(), 2U);
  EXPECT_EQ(next(), 3U);
}

TEST_F(NodeIdsTest, AreNeverHandedOutTwice) {
  std::uint64_t last = 0;
  for (int start = 0; start < 4; ++start) {
    // Across the step in which they are reserved, and across starts.
    for (int i = 0; i < 70'000; ++i) {
      const std::uint64_t id = next();
      ASSERT_GT(id, last);
      last = id;
    }
    reopen();
  }
}

TEST_F(NodeIdsTest, CanBeRaised) {
  ASSERT_TRUE(ids->raise_above(NodeId{1'000'000}));
  EXPECT_EQ(next(), 1'000'001U);
  ASSERT_TRUE(ids->raise_above(NodeId{5}));
  EXPECT_EQ(next(), 1'000'002U);
  reopen();
  EXPECT_GT(next(), 1'000'002U);
}

TEST_F(NodeIdsTest, AreUniqueBetweenThreads) {
  constexpr std::size_t kThreads = 4;
  std::vector<std::vector<NodeId>> seen(kThreads);
  std::vector<std::thread> threads;
  for (auto& mine : seen) {
    threads.emplace_back([this, &mine] {
      for (int i = 0; i < 40'000; ++i) mine.push_back(ids->next().value());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<NodeId> all;
  for (const auto& mine : seen) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), kThreads * 40'000);
}

TEST_F(NodeIdsTest, RefuseAMarkThatMakesNoSense) {
  for (const std::string_view mark : {std::string_view("short"), std::string_view("\0\0\0\0\0\0\0\1", 8)}) {
    store::WriteTxn txn = state->write();
    ASSERT_TRUE(txn.put(store::Table{0}, "nodeid_high_water", mark));
    ASSERT_TRUE(txn.commit());
    const auto broken = NodeIds::open(*state, store::Table{0});
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().code, Errc::corrupt);
  }
}

}  // namespace
}  // namespace nithronfs::tree

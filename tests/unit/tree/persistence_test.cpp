// What is left after closing, losing the index, losing the state, and mounting something else.
#include <set>

#include "tree_fixture.hpp"

namespace nithronfs::tree {
namespace {

using test::at;
using test::dir;
using test::file;

class PersistenceTest : public test::TreeTest {
 protected:
  void fill() {
    list(NodeId::root, {file("a.txt", "\"1\""), file("b.txt", "\"1\""), dir("sub")});
    list(get("sub").node, {file("c.txt", "\"1\"")});
  }
};

TEST_F(PersistenceTest, EverythingIsAsItWasAfterReopening) {
  fill();
  const Inode before = get("a.txt");
  const Inode below = get(get("sub").node, "c.txt");
  const auto rows = read(NodeId::root);
  reopen();
  const Inode after = get("a.txt");
  EXPECT_EQ(after.node, before.node);
  EXPECT_EQ(after.ino, before.ino);
  EXPECT_EQ(after.data_key, before.data_key);
  EXPECT_EQ(after.version, before.version);
  EXPECT_EQ(get(get("sub").node, "c.txt").node, below.node);
  EXPECT_TRUE(absent(NodeId::root, "x"));
  EXPECT_EQ(tree().directory(NodeId::root)->verified, at(1'700'000'100));
  EXPECT_EQ(tree().totals()->directories_listed, 2U);
  const auto again = read(NodeId::root);
  ASSERT_EQ(again.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(again[i].offset, rows[i].offset);
    EXPECT_EQ(again[i].name, rows[i].name);
  }
}

TEST_F(PersistenceTest, SupersededRowsAreGoneAfterReopening) {
  fill();
  const NodeId old = get("a.txt").node;
  ASSERT_TRUE(tree().apply_entry(old, file("", "\"2\""), at(1)));
  EXPECT_TRUE(inode(old).superseded);
  reopen();
  EXPECT_EQ(error_of(tree().inode(old)), Errc::stale);
  EXPECT_EQ(get("a.txt").version.etag, "\"2\"");
}

// K1: numbers for the kernel are never used again; numbers for people and data stay.
TEST_F(PersistenceTest, ALostIndexGivesNewNodesAndTheSameInos) {
  fill();
  const Inode file_before = get("a.txt");
  const Inode sub_before = get("sub");
  const std::set<NodeId> used = {get("a.txt").node, get("b.txt").node, get("sub").node,
                                 get(get("sub").node, "c.txt").node};
  lose_index();
  EXPECT_TRUE(unknown(NodeId::root, "a.txt"));
  for (const NodeId node : used) EXPECT_EQ(error_of(tree().inode(node)), Errc::stale);
  fill();
  EXPECT_EQ(get("a.txt").ino, file_before.ino);
  EXPECT_EQ(get("a.txt").data_key, file_before.data_key);
  EXPECT_EQ(get("sub").ino, sub_before.ino);
  for (const auto& row : read(NodeId::root)) EXPECT_FALSE(used.contains(row.node)) << row.name;
}

TEST_F(PersistenceTest, AnIndexWithoutItsStateDoesNotHandOutNumbersTwice) {
  fill();
  const Inode before = get("a.txt");
  close();
  std::filesystem::remove_all(directory_ / "state");
  stack_ = test::Stack::open(directory_ / "", share_);
  EXPECT_EQ(get("a.txt").node, before.node);
  list(NodeId::root, {file("a.txt", "\"1\""), file("new", "\"1\"")});
  EXPECT_GT(get("new").node, before.node);
  EXPECT_EQ(get("a.txt").node, before.node);
}

TEST_F(PersistenceTest, AMountOfAnotherShareStartsAfresh) {
  fill();
  const Inode before = get("a.txt");
  close();
  share_->id = "share-2";
  stack_ = test::Stack::open(directory_ / "", share_);
  EXPECT_TRUE(unknown(NodeId::root, "a.txt"));
  EXPECT_EQ(tree().totals()->inodes, 1U);
  EXPECT_EQ(tree().totals()->directories_listed, 0U);
  fill();
  EXPECT_NE(get("a.txt").ino, before.ino);
  close();
  share_.reset();
  stack_ = test::Stack::open(directory_ / "", share_);
  EXPECT_TRUE(unknown(NodeId::root, "a.txt"));
}

TEST_F(PersistenceTest, GoesOnWhenTheIndexIsDeletedWhileOpen) {
  fill();
  std::filesystem::remove_all(directory_ / "index");
  EXPECT_EQ(get("a.txt").version.etag, "\"1\"");
  list(NodeId::root, {file("a.txt", "\"2\""), file("new", "\"1\"")});
  EXPECT_EQ(get("a.txt").version.etag, "\"2\"");
  EXPECT_EQ(names(NodeId::root), (std::vector<std::string>{"a.txt", "new"}));
  reopen();
  EXPECT_TRUE(unknown(NodeId::root, "a.txt"));
}

}  // namespace
}  // namespace nithronfs::tree

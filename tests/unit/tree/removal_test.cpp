// Directories that go, with all below them.
#include "directory_editor.hpp"
#include "tree_fixture.hpp"

namespace nithronfs::tree {
namespace {

using test::at;
using test::dir;
using test::file;
using Names = std::vector<std::string>;

class RemovalTest : public test::TreeTest {
 protected:
  // d/ with 5,000 files (several transactions' worth) and d/e/f/deep.
  void SetUp() override {
    TreeTest::SetUp();
    list(NodeId::root, {dir("d"), file("other", "\"1\"")});
    d = get("d").node;
    std::vector<remote::Entry> entries = {dir("e")};
    for (int i = 0; i < 5000; ++i) entries.push_back(file("f" + std::to_string(i), "\"1\""));
    list(d, entries);
    e = get(d, "e").node;
    list(e, {dir("f")});
    f = get(e, "f").node;
    list(f, {file("deep", "\"1\"")});
    deep = get(f, "deep").node;
  }
  void expect_gone(const Changes& changes) {
    EXPECT_EQ(changes.names, Names{"d"});
    EXPECT_EQ(changes.removed_directories, Names{"d"});
    EXPECT_EQ(changes.superseded.size(), 5001U);
    EXPECT_NE(std::ranges::find(changes.superseded, deep), changes.superseded.end());
    EXPECT_TRUE(absent(NodeId::root, "d"));
    EXPECT_EQ(tree().totals()->inodes, 2U);
    EXPECT_EQ(tree().totals()->directories_listed, 1U);
  }

  void expect_nothing_left() {
    for (const NodeId node : {d, e, f, deep}) EXPECT_EQ(error_of(tree().inode(node)), Errc::stale);
    const store::ReadTxn txn = stack_->index->environment().read();
    const auto tables = Tree::table_names();
    const auto rows = [&](std::uint32_t table) { return *txn.count(store::Table{table}); };
    EXPECT_EQ(rows(0), 2U) << tables[0];
    EXPECT_EQ(rows(1), 1U) << tables[1];
    EXPECT_EQ(rows(2), 1U) << tables[2];
    EXPECT_EQ(rows(3), 1U) << tables[3];
    EXPECT_EQ(rows(4), 0U) << tables[4];
    EXPECT_EQ(rows(5), 0U) << tables[5];
  }

  NodeId d{};
  NodeId e{};
  NodeId f{};
  NodeId deep{};
};

TEST_F(RemovalTest, ConfirmedAbsenceTakesTheSubtree) {
  expect_gone(*tree().apply_absence(d));
}

TEST_F(RemovalTest, AListingWithoutItTakesTheSubtree) {
  expect_gone(list(NodeId::root, {file("other", "\"1\"")}));
}

TEST_F(RemovalTest, WhatIsGoneCanBeLookedAtUntilItIsForgotten) {
  ASSERT_TRUE(tree().apply_absence(d));
  EXPECT_TRUE(inode(d).superseded);
  EXPECT_TRUE(inode(deep).superseded);
  EXPECT_EQ(tree().location(deep)->path, "d/e/f/deep") << "an open file may still be read from the server";
  EXPECT_TRUE(read(d).empty());
  EXPECT_TRUE(absent(d, "e"));
  EXPECT_TRUE(absent(f, "deep"));
  EXPECT_EQ(tree().directory(d)->entries, 0U);
  for (const NodeId node : {deep, f, e, d}) {
    ASSERT_TRUE(tree().forget(node));
    EXPECT_EQ(error_of(tree().inode(node)), Errc::stale);
  }
}

TEST_F(RemovalTest, TheSameNameAgainIsAnotherDirectoryWithTheSameIno) {
  const Inode before = get("d");
  ASSERT_TRUE(tree().apply_absence(d));
  list(NodeId::root, {dir("d"), file("other", "\"1\"")});
  const Inode after = get("d");
  EXPECT_NE(after.node, before.node);
  EXPECT_EQ(after.ino, before.ino);
  EXPECT_TRUE(unknown(after.node, "e"));
  EXPECT_TRUE(absent(d, "e"));
}

TEST_F(RemovalTest, NothingOfItIsLeftAfterTheNextOpen) {
  ASSERT_TRUE(tree().apply_absence(d));
  reopen();
  expect_nothing_left();
}

// As if killed right after the name was gone, before anything below it was.
TEST_F(RemovalTest, AnInterruptedOneIsFinishedAtTheNextOpen) {
  {
    Core core(stack_->index->environment(), store::Table{0}, *stack_->ids, *IdentityHasher::create());
    const MutexLock lock(core.writer);
    store::WriteTxn txn = core.index.write();
    Changes changes;
    const std::optional<Location> where;
    auto editor = DirectoryEditor::load(core, txn, NodeId::root, where, changes);
    ASSERT_TRUE(editor);
    ASSERT_TRUE(editor->remove(d, read(NodeId::root).front().offset));
    ASSERT_TRUE(editor->save());
    ASSERT_TRUE(txn.commit());
  }
  EXPECT_FALSE(inode(deep).superseded);
  ASSERT_TRUE(tree().forget(d));
  EXPECT_TRUE(inode(d).superseded) << "needed until all below it is gone";
  reopen();
  expect_nothing_left();
  EXPECT_EQ(names(NodeId::root), Names{"other"});
}

}  // namespace
}  // namespace nithronfs::tree

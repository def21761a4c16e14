// What one fresh answer about one node does (K1, K2, K4, K5).
#include "tree_fixture.hpp"

namespace nithronfs::tree {
namespace {

using test::at;
using test::dir;
using test::file;
using Names = std::vector<std::string>;
using Nodes = std::vector<NodeId>;

class ChangesTest : public test::TreeTest {
 protected:
  void SetUp() override {
    TreeTest::SetUp();
    list(NodeId::root, {file("a.txt", "\"1\""), file("b.txt", "\"1\""), dir("sub")});
  }
  Changes apply(NodeId node, const remote::Entry& entry, std::int64_t seconds = 1'700'000'200) {
    auto changes = tree().apply_entry(node, entry, at(seconds));
    EXPECT_TRUE(changes) << changes.error().message;
    return changes ? *std::move(changes) : Changes();
  }
  std::uint64_t offset_of(std::string_view name) {
    for (const auto& row : read(NodeId::root)) {
      if (row.name == name) return row.offset;
    }
    return 0;
  }
};

TEST_F(ChangesTest, TheSameVersionChangesNothingButTheTime) {
  const Inode before = get("a.txt");
  EXPECT_TRUE(apply(before.node, file("", "\"1\"")).empty());
  const Inode after = get("a.txt");
  EXPECT_EQ(after.node, before.node);
  EXPECT_EQ(after.verified, at(1'700'000'200));
  EXPECT_EQ(*tree().verified(after), at(1'700'000'200));
  EXPECT_EQ(*tree().verified(get("b.txt")), at(1'700'000'100)) << "the listing confirmed this one last";
}

// K2: whatever of etag, size and mtime is new, it is another inode.
TEST_F(ChangesTest, AnotherVersionIsAnotherNodeUnderTheSameName) {
  for (const remote::Entry& entry :
       {file("", "\"2\""), file("", "\"2\"", 11), file("", "\"2\"", 11, 1'800'000'000)}) {
    const Inode before = get("a.txt");
    const std::uint64_t offset = offset_of("a.txt");
    const Changes changes = apply(before.node, entry);
    EXPECT_EQ(changes.directory, NodeId::root);
    EXPECT_EQ(changes.names, Names{"a.txt"});
    EXPECT_EQ(changes.superseded, Nodes{before.node});
    EXPECT_TRUE(changes.removed_directories.empty());

    const Inode after = get("a.txt");
    EXPECT_NE(after.node, before.node);
    EXPECT_NE(after.ino, before.ino);
    EXPECT_NE(after.data_key, before.data_key);
    EXPECT_EQ(after.version, entry.version);
    EXPECT_EQ(offset_of("a.txt"), offset) << "a replaced file keeps its place in listings";
    EXPECT_EQ(tree().directory(NodeId::root)->entries, 3U);
  }
}

TEST_F(ChangesTest, ASupersededRowStaysUntilTheKernelForgetsIt) {
  const Inode before = get("a.txt");
  apply(before.node, file("", "\"2\""));
  const Inode old = inode(before.node);
  EXPECT_TRUE(old.superseded);
  EXPECT_EQ(old.version, before.version);
  EXPECT_EQ(old.ino, before.ino);
  EXPECT_EQ(tree().location(before.node)->path, "a.txt");
  ASSERT_TRUE(tree().forget(before.node));
  EXPECT_EQ(error_of(tree().inode(before.node)), Errc::stale);
}

TEST_F(ChangesTest, ForgettingAnInodeInUseKeepsItsRow) {
  const Inode inode = get("a.txt");
  ASSERT_TRUE(tree().forget(inode.node));
  EXPECT_EQ(get("a.txt").node, inode.node);
  ASSERT_TRUE(tree().forget(NodeId{999'999'999}));
}

// Two opens asked at the same time; both answers arrive.
TEST_F(ChangesTest, AnAnswerAboutASupersededNodeIsAboutTheHolderOfTheName) {
  const NodeId old = get("a.txt").node;
  apply(old, file("", "\"2\""));
  const NodeId now = get("a.txt").node;
  EXPECT_TRUE(apply(old, file("", "\"2\"")).empty());
  EXPECT_EQ(get("a.txt").node, now);
  ASSERT_TRUE(tree().apply_absence(now));
  EXPECT_EQ(error_of(tree().apply_entry(old, file("", "\"3\""), at(1))), Errc::stale);
  EXPECT_TRUE(absent(NodeId::root, "a.txt"));
}

// R9: Apache's etag of the first second is weak.
TEST_F(ChangesTest, AnEtagThatBecomesStrongIsKeptOnTheSameInode) {
  list(NodeId::root, {file("w.txt", "W/\"1\"")});
  const Inode weak = get("w.txt");
  EXPECT_TRUE(apply(weak.node, file("", "\"1\"")).empty());
  const Inode strong = get("w.txt");
  EXPECT_EQ(strong.node, weak.node);
  EXPECT_EQ(strong.data_key, weak.data_key);
  EXPECT_EQ(strong.version.etag, "\"1\"");
  EXPECT_TRUE(apply(weak.node, file("", "W/\"1\"")).empty());
  EXPECT_EQ(get("w.txt").version.etag, "\"1\"") << "a strong one is good for more";
}

TEST_F(ChangesTest, AnotherModeStaysOnTheInode) {
  const Inode before = get("a.txt");
  EXPECT_EQ(before.mode, std::nullopt);
  remote::Entry entry = file("", "\"1\"");
  entry.mode = 0100600;  // with type bits, of which nothing is kept
  const Changes changes = apply(before.node, entry);
  EXPECT_EQ(changes.attributes, Nodes{before.node});
  EXPECT_TRUE(changes.names.empty());
  EXPECT_TRUE(changes.superseded.empty());
  EXPECT_EQ(get("a.txt").node, before.node);
  EXPECT_EQ(get("a.txt").mode, 0600U);
  EXPECT_TRUE(apply(before.node, entry).empty());
  EXPECT_TRUE(apply(before.node, file("", "\"1\"")).empty());
  EXPECT_EQ(get("a.txt").mode, 0600U) << "an answer that knows no mode takes none away";
}

TEST_F(ChangesTest, AFileThatBecomesADirectoryIsAnotherNode) {
  const Inode before = get("a.txt");
  const Changes changes = apply(before.node, dir(""));
  EXPECT_EQ(changes.names, Names{"a.txt"});
  EXPECT_EQ(changes.superseded, Nodes{before.node});
  EXPECT_TRUE(changes.removed_directories.empty());
  const Inode after = get("a.txt");
  EXPECT_EQ(after.kind, remote::Kind::directory);
  EXPECT_NE(after.node, before.node);
  EXPECT_TRUE(unknown(after.node, "anything"));
}

TEST_F(ChangesTest, ADirectoryThatBecomesAFileTakesItsContentWithIt) {
  const Inode before = get("sub");
  list(before.node, {file("inside", "\"1\"")});
  const NodeId inside = get(before.node, "inside").node;
  const Changes changes = apply(before.node, file("", "\"1\""));
  EXPECT_EQ(changes.names, Names{"sub"});
  EXPECT_EQ(changes.removed_directories, Names{"sub"});
  EXPECT_EQ(changes.superseded, Nodes{inside});
  EXPECT_EQ(get("sub").kind, remote::Kind::file);
  EXPECT_TRUE(inode(inside).superseded);
  EXPECT_TRUE(absent(before.node, "inside"));
}

TEST_F(ChangesTest, ADirectoryKeepsItsNumbersWhateverChanges) {
  const Inode before = get("sub");
  remote::Entry entry = dir("", 1'700'000'050);
  entry.mode = 0700;
  entry.version.etag = "\"d2\"";
  const Changes changes = apply(before.node, entry);
  EXPECT_EQ(changes.attributes, Nodes{before.node});
  EXPECT_TRUE(changes.names.empty());
  const Inode after = get("sub");
  EXPECT_EQ(after.node, before.node);
  EXPECT_EQ(after.ino, before.ino);
  EXPECT_EQ(after.mode, 0700U);
  EXPECT_EQ(after.version.mtime.seconds, 1'700'000'050);
  EXPECT_EQ(after.version.etag, "\"d2\"");
}

TEST_F(ChangesTest, ConfirmedAbsenceTakesTheNameAway) {
  const Inode before = get("a.txt");
  const auto changes = tree().apply_absence(before.node);
  ASSERT_TRUE(changes);
  EXPECT_EQ(changes->directory, NodeId::root);
  EXPECT_EQ(changes->names, Names{"a.txt"});
  EXPECT_EQ(changes->superseded, Nodes{before.node});
  EXPECT_TRUE(absent(NodeId::root, "a.txt"));
  EXPECT_TRUE(inode(before.node).superseded);
  EXPECT_EQ(names(NodeId::root), (Names{"b.txt", "sub"}));
  const auto again = tree().apply_absence(before.node);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->empty());
}

TEST_F(ChangesTest, AbsenceOfAnOldVersionSaysNothingAboutTheNewOne) {
  const NodeId old = get("a.txt").node;
  apply(old, file("", "\"2\""));
  EXPECT_TRUE(tree().apply_absence(old)->empty());
  EXPECT_FALSE(get("a.txt").superseded);
}

// K4: a listing in flight is recognised as old by the mtime, so that has to move every time.
TEST_F(ChangesTest, TheMtimeOfADirectoryAdvancesWithEveryChangeOfItsNames) {
  Timestamp last = inode(NodeId::root).version.mtime;
  const auto advanced = [&] {
    const Timestamp now = inode(NodeId::root).version.mtime;
    const bool moved = now > last;
    last = now;
    return moved;
  };
  apply(get("b.txt").node, file("", "\"1\""));
  EXPECT_FALSE(advanced()) << "nothing changed";
  apply(get("a.txt").node, file("", "\"2\""));
  EXPECT_TRUE(advanced());
  const auto removed = tree().apply_absence(get("a.txt").node);
  EXPECT_TRUE(advanced());
  EXPECT_EQ(removed->attributes, Nodes{NodeId::root});
  list_in_part(NodeId::root, {file("c.txt", "\"1\"")});
  EXPECT_TRUE(advanced());
  list(NodeId::root, {});
  EXPECT_TRUE(advanced());
  list(NodeId::root, {});
  EXPECT_FALSE(advanced());
  list(NodeId::root, {}, 1'700'000'300, dir("", 1'600'000'000));
  EXPECT_FALSE(advanced()) << "and it never goes back";
  list(NodeId::root, {}, 1'700'000'300, dir("", 1'900'000'000));
  EXPECT_EQ(inode(NodeId::root).version.mtime, (Timestamp{.seconds = 1'900'000'000}));
}

TEST_F(ChangesTest, TheMtimeCarriesIntoTheSeconds) {
  remote::Entry self = dir("");
  self.version.mtime = {.seconds = 1'900'000'000, .nanoseconds = 999'999'999};
  list(NodeId::root, {file("a.txt", "\"1\"")}, 1'700'000'300, self);
  ASSERT_TRUE(tree().apply_absence(get("a.txt").node));
  EXPECT_EQ(inode(NodeId::root).version.mtime, (Timestamp{.seconds = 1'900'000'001}));
}

TEST_F(ChangesTest, TheRootIsUpdatedInPlace) {
  remote::Entry entry = dir("", 1'800'000'000);
  entry.mode = 0711;
  EXPECT_EQ(apply(NodeId::root, entry).attributes, Nodes{NodeId::root});
  EXPECT_EQ(inode(NodeId::root).mode, 0711U);
  EXPECT_EQ(inode(NodeId::root).ino, 1U);
  EXPECT_EQ(error_of(tree().apply_entry(NodeId::root, file("", "\"1\""), at(1))), Errc::protocol);
  EXPECT_EQ(error_of(tree().apply_absence(NodeId::root)), Errc::invalid_argument);
}

TEST_F(ChangesTest, UnknownNodesAreStale) {
  const NodeId nobody{999'999'999};
  EXPECT_EQ(error_of(tree().inode(nobody)), Errc::stale);
  EXPECT_EQ(error_of(tree().lookup(nobody, "x")), Errc::stale);
  EXPECT_EQ(error_of(tree().directory(nobody)), Errc::stale);
  EXPECT_EQ(error_of(tree().location(nobody)), Errc::stale);
  EXPECT_EQ(error_of(tree().begin_listing(nobody)), Errc::stale);
  EXPECT_EQ(error_of(tree().apply_entry(nobody, file("", "\"1\""), at(1))), Errc::stale);
  EXPECT_EQ(error_of(tree().apply_absence(nobody)), Errc::stale);
  EXPECT_EQ(error_of(tree().read_directory(nobody, 0, [](const auto&) { return true; })), Errc::stale);
}

TEST_F(ChangesTest, FilesAreNoDirectories) {
  const NodeId node = get("a.txt").node;
  EXPECT_EQ(error_of(tree().lookup(node, "x")), Errc::not_directory);
  EXPECT_EQ(error_of(tree().directory(node)), Errc::not_directory);
  EXPECT_EQ(error_of(tree().begin_listing(node)), Errc::not_directory);
  EXPECT_EQ(error_of(tree().read_directory(node, 0, [](const auto&) { return true; })), Errc::not_directory);
}

TEST_F(ChangesTest, ImpossibleNamesAreErrors) {
  EXPECT_EQ(error_of(tree().lookup(NodeId::root, "")), Errc::bad_name);
  EXPECT_EQ(error_of(tree().lookup(NodeId::root, std::string(256, 'x'))), Errc::name_too_long);
  EXPECT_TRUE(absent(NodeId::root, std::string(255, 'x')));
}

TEST_F(ChangesTest, LocationsAreSharesAndPaths) {
  const NodeId sub = get("sub").node;
  list(sub, {dir("deeper")});
  const NodeId deeper = get(sub, "deeper").node;
  list(deeper, {file("f", "\"1\"")});
  EXPECT_EQ(tree().location(NodeId::root)->share, "share-1");
  EXPECT_EQ(tree().location(NodeId::root)->path, "");
  EXPECT_EQ(tree().location(get(deeper, "f").node)->path, "sub/deeper/f");
  EXPECT_EQ(tree().location(get(deeper, "f").node)->share, "share-1");
}

TEST_F(ChangesTest, TotalsCountWhatIsThere) {
  EXPECT_EQ(tree().totals()->inodes, 4U);
  EXPECT_EQ(tree().totals()->directories_listed, 1U);
  const NodeId sub = get("sub").node;
  list(sub, {file("f", "\"1\"")});
  EXPECT_EQ(tree().totals()->inodes, 5U);
  EXPECT_EQ(tree().totals()->directories_listed, 2U);
  ASSERT_TRUE(tree().apply_absence(sub));
  EXPECT_EQ(tree().totals()->inodes, 3U);
  EXPECT_EQ(tree().totals()->directories_listed, 1U);
}

}  // namespace
}  // namespace nithronfs::tree

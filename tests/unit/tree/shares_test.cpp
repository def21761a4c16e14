// A mount of all shares.
#include "tree_fixture.hpp"

namespace nithronfs::tree {
namespace {

using test::at;
using test::dir;
using test::file;
using Names = std::vector<std::string>;

remote::Share share(std::string id, std::string name) {
  remote::Share share;
  share.id = std::move(id);
  share.name = std::move(name);
  return share;
}

class SharesTest : public test::TreeTest {
 protected:
  SharesTest() { share_.reset(); }
  Changes apply(const std::vector<remote::Share>& shares, std::int64_t seconds = 1'700'000'100) {
    auto changes = tree().apply_shares(shares, at(seconds));
    EXPECT_TRUE(changes) << changes.error().message;
    if (!changes) return {};
    std::ranges::sort(changes->names);
    return *std::move(changes);
  }
};

TEST_F(SharesTest, AreTheDirectoriesOfTheRoot) {
  EXPECT_TRUE(unknown(NodeId::root, "Photos"));
  EXPECT_TRUE(apply({share("1", "Photos"), share("2", "Music")}).names.empty());
  EXPECT_EQ(names(NodeId::root), (Names{"Music", "Photos"}));
  EXPECT_TRUE(absent(NodeId::root, "Videos"));
  const Inode photos = get("Photos");
  EXPECT_EQ(photos.kind, remote::Kind::directory);
  EXPECT_NE(photos.ino, get("Music").ino);
  EXPECT_EQ(tree().location(photos.node)->share, "1");
  EXPECT_EQ(tree().location(photos.node)->path, "");
  EXPECT_EQ(error_of(tree().location(NodeId::root)), Errc::not_found);
  EXPECT_EQ(inode(NodeId::root).ino, 1U);
  EXPECT_EQ(inode(NodeId::root).version.mtime.seconds, 1'700'000'100);
  EXPECT_EQ(tree().directory(NodeId::root)->verified, at(1'700'000'100));
}

TEST_F(SharesTest, TheSameAgainChangesNothing) {
  apply({share("1", "Photos")});
  EXPECT_TRUE(apply({share("1", "Photos")}, 1'700'000'200).empty());
  EXPECT_EQ(inode(NodeId::root).version.mtime.seconds, 1'700'000'100);
  EXPECT_EQ(tree().directory(NodeId::root)->verified, at(1'700'000'200));
}

TEST_F(SharesTest, ComeAndGo) {
  apply({share("1", "Photos"), share("2", "Music")});
  const NodeId music = get("Music").node;
  list(music, {file("song", "\"1\"")});
  const NodeId song = get(music, "song").node;
  const Changes changes = apply({share("1", "Photos"), share("3", "Videos")}, 1'700'000'200);
  EXPECT_EQ(changes.names, (Names{"Music", "Videos"}));
  EXPECT_EQ(changes.removed_directories, Names{"Music"});
  EXPECT_EQ(changes.superseded, std::vector<NodeId>{song});
  EXPECT_EQ(names(NodeId::root), (Names{"Photos", "Videos"}));
  EXPECT_TRUE(inode(music).superseded);
  EXPECT_GE(inode(NodeId::root).version.mtime.seconds, 1'700'000'200);
}

TEST_F(SharesTest, ARenamedOneStaysWhatItIs) {
  apply({share("1", "Photos")});
  const Inode before = get("Photos");
  list(before.node, {file("p", "\"1\"")});
  const Inode inside = get(before.node, "p");
  const Changes changes = apply({share("1", "Pictures")});
  EXPECT_EQ(changes.names, (Names{"Photos", "Pictures"}));
  EXPECT_EQ(changes.removed_directories, Names{"Photos"}) << "what is mounted below has to go (K5)";
  EXPECT_EQ(get("Pictures").node, before.node);
  EXPECT_EQ(get("Pictures").ino, before.ino);
  EXPECT_TRUE(absent(NodeId::root, "Photos"));
  EXPECT_EQ(get(before.node, "p").node, inside.node);
  EXPECT_EQ(tree().location(inside.node)->share, "1");
  EXPECT_EQ(tree().directory(NodeId::root)->entries, 1U);
}

TEST_F(SharesTest, CanSwapTheirNames) {
  apply({share("1", "A"), share("2", "B")});
  const NodeId one = get("A").node;
  const NodeId two = get("B").node;
  apply({share("1", "B"), share("2", "A")});
  EXPECT_EQ(get("B").node, one);
  EXPECT_EQ(get("A").node, two);
  EXPECT_EQ(read(NodeId::root).size(), 2U);
  EXPECT_EQ(tree().directory(NodeId::root)->entries, 2U);
}

TEST_F(SharesTest, WithOneNameAreBothReachable) {
  apply({share("1", "Photos")});
  const NodeId one = get("Photos").node;
  apply({share("0", "Photos"), share("1", "Photos")});
  EXPECT_EQ(get("Photos").node, one) << "who has the name keeps it";
  EXPECT_EQ(tree().location(get("Photos (0)").node)->share, "0");
  apply({share("0", "Photos")});
  EXPECT_EQ(tree().location(get("Photos").node)->share, "0");
}

TEST_F(SharesTest, ThatLinuxCannotNameGoByTheirId) {
  apply({share("1", ".."), share("a/b", "x/y")});
  EXPECT_EQ(names(NodeId::root), Names{"1"});
}

TEST_F(SharesTest, AreNotListedAndNotFiles) {
  apply({share("1", "Photos")});
  EXPECT_EQ(error_of(tree().begin_listing(NodeId::root)), Errc::invalid_argument);
  EXPECT_EQ(error_of(tree().apply_entry(get("Photos").node, file("", "\"1\""), at(1))), Errc::protocol);
  EXPECT_EQ(get("Photos").kind, remote::Kind::directory);
}

TEST_F(SharesTest, FilesOfTwoSharesAreNeverOne) {
  apply({share("1", "A"), share("2", "B")});
  list(get("A").node, {file("same", "\"1\"")});
  list(get("B").node, {file("same", "\"1\"")});
  const Inode one = get(get("A").node, "same");
  const Inode two = get(get("B").node, "same");
  EXPECT_NE(one.ino, two.ino);
  EXPECT_NE(one.data_key, two.data_key);
}

TEST_F(SharesTest, AMountOfOneShareHasNoList) {
  close();
  share_ = share("1", "Photos");
  stack_ = test::Stack::open(directory_ / "", share_);
  EXPECT_EQ(error_of(tree().apply_shares({}, at(1))), Errc::invalid_argument);
}

}  // namespace
}  // namespace nithronfs::tree

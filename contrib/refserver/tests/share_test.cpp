// Paths inside a share, and that nothing leads out of it.
#include "../src/share.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "temp_dir.hpp"

namespace refserver {
namespace {

TEST(SharePath, Canonical) {
  EXPECT_EQ(canonical_path(""), "");
  EXPECT_EQ(canonical_path("/a//b/"), "a/b");
  EXPECT_EQ(canonical_path("a/..b/.c"), "a/..b/.c");
  EXPECT_FALSE(canonical_path("a/../b"));
  EXPECT_FALSE(canonical_path(".."));
  EXPECT_FALSE(canonical_path("./a"));
  EXPECT_FALSE(canonical_path(std::string_view("a\0b", 3)));
  EXPECT_TRUE(canonical_path(std::string(255, 'x')));
  EXPECT_FALSE(canonical_path(std::string(256, 'x')));
}

TEST(SharePath, FromUrl) {
  EXPECT_EQ(share_path_from_url("/a%20b/c+d"), "a b/c+d");
  EXPECT_FALSE(share_path_from_url("/a%2Fb")) << "an encoded slash is no separator";
  EXPECT_FALSE(share_path_from_url("/a/%2e%2e/b"));
  EXPECT_FALSE(share_path_from_url("/a%00b"));
  EXPECT_FALSE(share_path_from_url("/a%2"));
}

TEST(SharePath, Parts) {
  EXPECT_EQ(parent_of("a/b/c"), "a/b");
  EXPECT_EQ(parent_of("a"), "");
  EXPECT_EQ(name_of("a/b/c"), "c");
  EXPECT_EQ(join_path("", "a"), "a");
  EXPECT_EQ(join_path("a", "b"), "a/b");
  EXPECT_TRUE(has_internal_component("a/.nithron-refserver-x/b"));
  EXPECT_FALSE(has_internal_component("a/x.nithron-refserver-/b"));
}

TEST(Share, ExcludesByComponent) {
  Share share;
  share.exclude_patterns = {"*.tmp", "~*", ".git"};
  EXPECT_TRUE(share.excludes("a.tmp"));
  EXPECT_TRUE(share.excludes("a/.git/config"));
  EXPECT_TRUE(share.excludes("dir.tmp/file"));
  EXPECT_TRUE(share.excludes("x/~lock"));
  EXPECT_FALSE(share.excludes("a.tmpx"));
  EXPECT_FALSE(share.excludes(".gitignore"));
  EXPECT_FALSE(share.excludes("a~b"));
}

class Confinement : public ::testing::Test {
 protected:
  Confinement() {
    testing::write_file(dir_ / "outside/secret", "secret");
    testing::write_file(dir_ / "share/inside/file", "file");
    std::filesystem::create_symlink(dir_ / "outside", dir_ / "share/absolute");
    std::filesystem::create_symlink("../outside", dir_ / "share/relative");
    std::filesystem::create_symlink("inside", dir_ / "share/inner");
    share_.root = dir_ / "share";
    share_.root_fd.reset(::open(share_.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  int error_of(std::string_view path) {
    auto fd = open_beneath(share_, path, O_RDONLY);
    return fd ? 0 : fd.error();
  }
  testing::TempDir dir_;
  Share share_;
};

TEST_F(Confinement, NoSymlinkLeadsOut) {
  for (bool follow : {false, true}) {
    share_.follow_inner_symlinks = follow;
    EXPECT_NE(error_of("absolute/secret"), 0);
    EXPECT_NE(error_of("relative/secret"), 0);
    EXPECT_NE(error_of("../outside/secret"), 0);
    EXPECT_NE(error_of("/etc/passwd"), 0);
  }
}

TEST_F(Confinement, InnerSymlinksAreFollowedOnRequestOnly) {
  EXPECT_EQ(error_of("inside/file"), 0);
  EXPECT_EQ(error_of("inner/file"), ELOOP);
  share_.follow_inner_symlinks = true;
  EXPECT_EQ(error_of("inner/file"), 0);
}

TEST_F(Confinement, ParentAndNameForChanges) {
  auto found = open_parent(share_, "inside/new");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "new");
  EXPECT_EQ(open_parent(share_, "").error(), EBUSY);
  EXPECT_FALSE(open_parent(share_, "relative/new"));
}

}  // namespace
}  // namespace refserver

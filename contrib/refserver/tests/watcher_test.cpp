// The watcher with the real inotify. Each wait ends with the change itself; the deadline is only for failure.
#include "../src/watcher.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <set>

#include "temp_dir.hpp"

namespace refserver {
namespace {

constexpr auto deadline = std::chrono::seconds(20);

class WatcherTest : public ::testing::Test {
 protected:
  void start() {
    std::filesystem::create_directories(dir_ / "share");
    share_.root = dir_ / "share";
    share_.root_fd.reset(::open(share_.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    catalog_ = std::make_unique<FullCatalog>(share_, dir_ / "state", 100000);
    watcher_ = std::make_unique<Watcher>(share_, *catalog_, std::chrono::seconds(3600));
    watcher_->start();
    cursor_ = catalog_->changes("now", 1, {})->cursor;
  }
  ~WatcherTest() override { watcher_.reset(); }

  std::filesystem::path file(std::string_view name) const { return share_.root / name; }

  // Reads on until a change of this kind and path comes; false at the deadline.
  bool sees(ChangeKind kind, std::string_view path, std::string_view old_path = "") {
    auto end = std::chrono::steady_clock::now() + deadline;
    while (std::chrono::steady_clock::now() < end) {
      auto page = catalog_->changes(cursor_, 1, deadline);
      if (!page) return false;
      cursor_ = page->cursor;
      for (const auto& [change, etag, sha] : page->changes) {
        if (change.kind == kind && change.path == path && change.old_path == old_path) return true;
      }
    }
    return false;
  }

  testing::TempDir dir_;
  Share share_;
  std::unique_ptr<FullCatalog> catalog_;
  std::unique_ptr<Watcher> watcher_;
  std::string cursor_;
};

TEST_F(WatcherTest, FilesAppearChangeMoveAndGo) {
  start();
  testing::write_file(file("a"), "1");
  EXPECT_TRUE(sees(ChangeKind::create, "a"));
  testing::write_file(file("a"), "22");
  EXPECT_TRUE(sees(ChangeKind::modify, "a"));
  std::filesystem::rename(file("a"), file("b"));
  EXPECT_TRUE(sees(ChangeKind::rename, "b", "a"));
  std::filesystem::remove(file("b"));
  EXPECT_TRUE(sees(ChangeKind::remove, "b"));
}

TEST_F(WatcherTest, DeepTreesMadeAtOnceAreSeenWhole) {
  start();
  std::set<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    auto name = "d" + std::to_string(i % 7) + "/e" + std::to_string(i % 3) + "/f" + std::to_string(i);
    testing::write_file(file(name), "x");
    expected.insert(name);
  }
  auto end = std::chrono::steady_clock::now() + deadline;
  while (!expected.empty() && std::chrono::steady_clock::now() < end) {
    auto page = catalog_->changes(cursor_, 1000, deadline);
    ASSERT_TRUE(page);
    cursor_ = page->cursor;
    for (const auto& entry : page->changes) expected.erase(entry.change.path);
  }
  EXPECT_TRUE(expected.empty()) << expected.size() << " missing, such as " << *expected.begin();
}

TEST_F(WatcherTest, FollowsDirectoriesThatMove) {
  testing::write_file(dir_ / "share/d/sub/a", "1");
  start();
  std::filesystem::rename(file("d"), file("e"));
  EXPECT_TRUE(sees(ChangeKind::rename, "e", "d"));
  testing::write_file(file("e/sub/b"), "2");
  EXPECT_TRUE(sees(ChangeKind::create, "e/sub/b"));
}

TEST_F(WatcherTest, TreesMovedInAndOut) {
  testing::write_file(dir_ / "elsewhere/x/y", "1");
  start();
  std::filesystem::rename(dir_ / "elsewhere", file("in"));
  EXPECT_TRUE(sees(ChangeKind::create, "in/x/y"));
  std::filesystem::rename(file("in"), dir_ / "out");
  EXPECT_TRUE(sees(ChangeKind::remove, "in"));
  // No longer watched: what happens there now is not of this share.
  testing::write_file(dir_ / "out/x/z", "1");
  testing::write_file(file("last"), "1");
  EXPECT_TRUE(sees(ChangeKind::create, "last"));
  EXPECT_EQ(catalog_->totals().files, 1U);
}

TEST_F(WatcherTest, WritesInPlaceGetANewVersion) {
  testing::write_file(dir_ / "share/a", "1");
  start();
  auto before = catalog_->etag("a", *stat_beneath(share_, "a"));
  UniqueFd fd(::open(file("a").c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::pwrite(fd.get(), "2", 1, 0), 1);
  EXPECT_TRUE(sees(ChangeKind::modify, "a")) << "while it is still open";
  EXPECT_NE(catalog_->etag("a", *stat_beneath(share_, "a")), before);
}

}  // namespace
}  // namespace refserver

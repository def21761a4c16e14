// The hazards of profile stock, each of which a client has to survive.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "../src/encoding.hpp"
#include "../src/stock_catalog.hpp"
#include "temp_dir.hpp"

namespace refserver {
namespace {

class StockTest : public ::testing::Test {
 protected:
  StockTest() {
    std::filesystem::create_directory(dir_ / "share");
    share_.root = dir_ / "share";
    share_.root_fd.reset(::open(share_.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    share_.follow_inner_symlinks = true;
    share_.exclude_patterns = {"*.tmp", ".git"};
  }
  std::filesystem::path file(std::string_view name) const { return share_.root / name; }

  // Sorted "type path"; moves the cursor.
  std::vector<std::string> poll(std::size_t limit = 1000) {
    auto page = stock_changes(share_, cursor_, limit);
    if (!page) return {"bad cursor"};
    cursor_ = page->cursor;
    has_more_ = page->has_more;
    std::vector<std::string> lines;
    for (const auto& change : page->changes) lines.push_back(std::string(change.type) + " " + change.path);
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  testing::TempDir dir_;
  Share share_;
  std::string cursor_;
  bool has_more_ = false;
};

using Lines = std::vector<std::string>;

TEST_F(StockTest, TheCursorIsTheWholeShare) {
  testing::write_file(file("a"), "1");
  testing::write_file(file("d/b"), "2");
  EXPECT_EQ(poll(), (Lines{"create a", "create d", "create d/b"}));
  auto map = nlohmann::json::parse(base64_decode(cursor_).value());
  EXPECT_EQ(map.size(), 3U);
  EXPECT_EQ(map["a"], "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b");
  EXPECT_EQ(poll(), Lines{});
}

TEST_F(StockTest, RenamesAreDeleteAndCreateAndTreesListEveryPath) {
  testing::write_file(file("d/x/a"), "1");
  poll();
  std::filesystem::rename(file("d"), file("e"));
  EXPECT_EQ(poll(),
            (Lines{"create e", "create e/x", "create e/x/a", "delete d", "delete d/x", "delete d/x/a"}));
}

TEST_F(StockTest, TouchAndChmodDoNotShowButSwapsDo) {
  testing::write_file(file("a"), "1");
  testing::write_file(file("b"), "2");
  poll();
  std::filesystem::last_write_time(file("a"), std::filesystem::file_time_type::clock::now());
  ::chmod(file("a").c_str(), 0600);
  std::filesystem::remove(file("b"));
  std::filesystem::create_directory(file("b"));
  EXPECT_EQ(poll(), Lines{"modify b"});
}

TEST_F(StockTest, UnreadableLooksDeleted) {
  testing::write_file(file("d/a"), "1");
  testing::write_file(file("b"), "2");
  poll();
  ::chmod(file("b").c_str(), 0);
  ::chmod(file("d").c_str(), 0);
  EXPECT_EQ(poll(), (Lines{"delete b", "delete d/a"})) << "an unreadable directory looks empty";
  ::chmod(file("b").c_str(), 0644);
  ::chmod(file("d").c_str(), 0755);
  EXPECT_EQ(poll(), (Lines{"create b", "create d/a"}));
}

TEST_F(StockTest, HiddenThingsNeverShow) {
  share_.max_size = 3;
  testing::write_file(file(".git/config"), "1");
  testing::write_file(file("x.tmp"), "1");
  testing::write_file(file("large"), "four");
  testing::write_file(file("a"), "1");
  std::filesystem::create_symlink("a", file("link"));
  EXPECT_EQ(poll(), Lines{"create a"});
}

TEST_F(StockTest, WhatDoesNotFitThePageIsLostDeletionsFirst) {
  for (int i = 0; i < 3; ++i) testing::write_file(file("old" + std::to_string(i)), "1");
  poll();
  for (int i = 0; i < 3; ++i) {
    std::filesystem::remove(file("old" + std::to_string(i)));
    testing::write_file(file("new" + std::to_string(i)), "1");
  }
  EXPECT_EQ(poll(3), (Lines{"create new0", "create new1", "create new2"}));
  EXPECT_TRUE(has_more_);
  EXPECT_EQ(poll(3), Lines{}) << "the cursor contained the deletions already";
}

TEST_F(StockTest, ForeignCursorsAreRefused) {
  for (const char* cursor : {"!", "bm8=", "WzFd", "eyJhIjoxfQ=="}) {
    EXPECT_FALSE(stock_changes(share_, cursor, 10)) << cursor;
  }
}

TEST_F(StockTest, EtagsAreTimesAndSizes) {
  testing::write_file(file("a"), "12345");
  const std::array times{timespec{}, timespec{1'700'000'000, 5}};
  ASSERT_EQ(::utimensat(AT_FDCWD, file("a").c_str(), times.data(), 0), 0);
  StockCatalog catalog(share_);
  EXPECT_EQ(catalog.etag("a", *stat_beneath(share_, "a")), "17979cfe362a00055");
  EXPECT_EQ(catalog.etag("", *stat_beneath(share_, "")), "");
}

TEST_F(StockTest, HashesIgnoreTheBlockSize) {
  testing::write_file(file("a"), std::string(5 * 1024 * 1024, 'x'));
  StockCatalog catalog(share_);
  auto hash = catalog.hash("a", 4096);
  ASSERT_TRUE(hash);
  EXPECT_EQ(hash->block_size, 4U * 1024 * 1024);
  EXPECT_EQ(hash->blocks.size(), 2U);
}

}  // namespace
}  // namespace refserver

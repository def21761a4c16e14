// The full catalog: versions, journal and feed, for own changes and for those found on the disk. The disk is
// looked at by scan() and settle(), so that no test depends on when inotify reports.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <thread>

#include "../src/crypto.hpp"
#include "../src/encoding.hpp"
#include "../src/full_catalog.hpp"
#include "temp_dir.hpp"

namespace refserver {
namespace {

using std::chrono::milliseconds;

class CatalogTest : public ::testing::Test {
 protected:
  CatalogTest() {
    std::filesystem::create_directory(dir_ / "share");
    share_.root = dir_ / "share";
    share_.root_fd.reset(::open(share_.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    share_.exclude_patterns = {"*.tmp"};
  }

  void open(std::size_t journal_limit = 1000) {
    catalog_.reset();
    catalog_ = std::make_unique<FullCatalog>(share_, dir_ / "state", journal_limit);
    catalog_->scan();
  }
  std::filesystem::path file(std::string_view name) const { return share_.root / name; }
  struct stat status(std::string_view name) const { return stat_beneath(share_, name).value(); }
  std::string tag(std::string_view name) { return catalog_->etag(name, status(name)); }
  std::string now() { return catalog_->changes("now", 1, milliseconds(0))->cursor; }

  // "type path" of each change since the cursor, read in pages of two.
  std::vector<std::string> since(std::string cursor) {
    std::vector<std::string> lines;
    while (true) {
      auto page = catalog_->changes(cursor, 2, milliseconds(0));
      if (!page) return {"expired"};
      for (const auto& [change, etag, sha] : page->changes) {
        constexpr std::array names{"create", "modify", "delete", "rename"};
        auto line = std::string(names.at(static_cast<std::size_t>(change.kind))) + " " + change.path;
        if (!change.old_path.empty()) line += " from " + change.old_path;
        lines.push_back(line);
      }
      cursor = page->cursor;
      if (!page->has_more) return lines;
    }
  }

  testing::TempDir dir_;
  Share share_;
  std::unique_ptr<FullCatalog> catalog_;
};

using Lines = std::vector<std::string>;

TEST_F(CatalogTest, TheFirstCursorListsWhatExists) {
  testing::write_file(file("a"), "1");
  testing::write_file(file("d/b"), "2");
  testing::write_file(file("d/hidden.tmp"), "3");
  open();
  EXPECT_EQ(since(""), (Lines{"create a", "create d", "create d/b"}));
  EXPECT_EQ(since(now()), Lines{});
  EXPECT_EQ(catalog_->totals().files, 3U);
  EXPECT_EQ(catalog_->totals().bytes, 3U);
}

TEST_F(CatalogTest, ScansFindWhatHappenedMeanwhile) {
  testing::write_file(file("gone"), "1");
  testing::write_file(file("d/changed"), "2");
  testing::write_file(file("tree/x/y"), "3");
  open();
  auto cursor = now();
  auto before = tag("d/changed");
  std::filesystem::remove(file("gone"));
  testing::write_file(file("d/changed"), "longer");
  std::filesystem::remove_all(file("tree"));
  testing::write_file(file("new/z"), "4");
  open();
  EXPECT_EQ(since(cursor),
            (Lines{"delete gone", "delete tree", "create new", "modify d/changed", "create new/z"}));
  EXPECT_NE(tag("d/changed"), before);
  EXPECT_EQ(catalog_->totals().files, 2U);
}

TEST_F(CatalogTest, VersionsSurviveARestart) {
  testing::write_file(file("a"), "1");
  open();
  auto before = tag("a");
  open();
  EXPECT_EQ(tag("a"), before);
}

TEST_F(CatalogTest, TheSameSizeAndTimesAreANewVersionAllTheSame) {
  testing::write_file(file("a"), "1");
  open();
  auto before = tag("a");
  auto old = status("a");
  testing::write_file(file("a"), "2");
  const std::array times{old.st_atim, old.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, file("a").c_str(), times.data(), 0), 0);
  auto fresh = status("a");
  ASSERT_EQ(fresh.st_mtim.tv_nsec, old.st_mtim.tv_nsec);
  ASSERT_EQ(fresh.st_size, old.st_size);
  EXPECT_NE(tag("a"), before);
}

TEST_F(CatalogTest, AnOwnWriteIsANewVersionEvenIfNothingCanBeSeenOfIt) {
  testing::write_file(file("a"), "1");
  open();
  auto before = tag("a");
  auto cursor = now();
  auto seq = catalog_->mutate()->modified("a", status("a"));
  EXPECT_GT(seq, 0U);
  EXPECT_NE(tag("a"), before);
  EXPECT_EQ(since(cursor), Lines{"modify a"});
}

TEST_F(CatalogTest, OwnChangesAreJournalledOnce) {
  open();
  auto cursor = now();
  {
    auto mutation = catalog_->mutate();
    std::filesystem::create_directory(file("d"));
    auto first = mutation->created("d", status("d"));
    testing::write_file(file("d/a"), "1");
    auto second = mutation->created("d/a", status("d/a"));
    EXPECT_EQ(second, first + 1);
  }
  catalog_->scan();
  EXPECT_EQ(since(cursor), (Lines{"create d", "create d/a"}));
}

TEST_F(CatalogTest, MovesKeepVersions) {
  testing::write_file(file("d/a"), "1");
  testing::write_file(file("b"), "2");
  open();
  auto cursor = now();
  auto inner = tag("d/a");
  auto outer = tag("b");
  {
    auto mutation = catalog_->mutate();
    std::filesystem::rename(file("d"), file("e"));
    EXPECT_GT(mutation->renamed("d", "e", status("e")), 0U);
    std::filesystem::rename(file("b"), file("c"));
    mutation->renamed("b", "c", status("c"));
  }
  EXPECT_EQ(tag("e/a"), inner);
  EXPECT_EQ(tag("c"), outer);
  catalog_->scan();
  EXPECT_EQ(since(cursor), (Lines{"rename e from d", "rename c from b"}));
}

TEST_F(CatalogTest, AMoveOntoAFileReplacesItInOneStep) {
  testing::write_file(file("a"), "1");
  testing::write_file(file("b"), "22");
  open();
  auto cursor = now();
  {
    auto mutation = catalog_->mutate();
    std::filesystem::rename(file("a"), file("b"));
    mutation->renamed("a", "b", status("b"));
  }
  EXPECT_EQ(since(cursor), Lines{"rename b from a"});
  EXPECT_EQ(catalog_->totals().files, 1U);
  EXPECT_EQ(catalog_->totals().bytes, 1U);
}

TEST_F(CatalogTest, ARemovedDirectoryTakesAllBelowWithIt) {
  testing::write_file(file("d/x/a"), "1");
  testing::write_file(file("d/b"), "2");
  open();
  auto cursor = now();
  {
    auto mutation = catalog_->mutate();
    std::filesystem::remove_all(file("d"));
    mutation->removed("d");
  }
  EXPECT_EQ(since(cursor), Lines{"delete d"});
  EXPECT_EQ(since(""), Lines{});
  EXPECT_EQ(catalog_->totals().files, 0U);
}

TEST_F(CatalogTest, HiddenNamesComeAndGoAsTheFeedSeesThem) {
  testing::write_file(file("d/a"), "1");
  open();
  auto cursor = now();
  auto move = [&](std::string_view from, std::string_view to) {
    auto mutation = catalog_->mutate();
    std::filesystem::rename(file(from), file(to));
    return mutation->renamed(from, to, status(to));
  };
  EXPECT_GT(move("d", "d.tmp"), 0U);
  EXPECT_EQ(move("d.tmp", "e.tmp"), 0U);
  EXPECT_GT(move("e.tmp", "e"), 0U);
  EXPECT_EQ(since(cursor), (Lines{"delete d", "create e", "create e/a"}));
}

TEST_F(CatalogTest, SeenRenamesKeepVersionsAndOrderDoesNotMatter) {
  testing::write_file(file("a"), "1");
  testing::write_file(file("d/x"), "2");
  open();
  auto cursor = now();
  auto version = tag("a");
  std::filesystem::rename(file("a"), file("b"));
  testing::write_file(file("a"), "new");
  // First an event about the new file under the old name, then the rename that came before it.
  const std::array sightings{Sighting{.slot = {root_id, "a"}, .to = Slot{root_id, "b"}},
                             Sighting{.slot = {root_id, "a"}}};
  EXPECT_FALSE(catalog_->settle(sightings));
  EXPECT_EQ(since(cursor), (Lines{"rename b from a", "create a"}));
  EXPECT_EQ(tag("b"), version);
}

TEST_F(CatalogTest, AnOldEventAboutARenamedFileIsNoDeletion) {
  testing::write_file(file("a"), "1");
  open();
  auto cursor = now();
  std::filesystem::rename(file("a"), file("b"));
  const std::array written{Sighting{.slot = {root_id, "a"}}};  // "a was written", read after the rename
  EXPECT_FALSE(catalog_->settle(written));
  EXPECT_EQ(since(cursor), Lines{});
  const std::array renamed{Sighting{.slot = {root_id, "a"}, .to = Slot{root_id, "b"}}};
  EXPECT_FALSE(catalog_->settle(renamed));
  EXPECT_EQ(since(cursor), Lines{"rename b from a"});
}

TEST_F(CatalogTest, AnEventBelowARenamedDirectoryWaitsForTheRename) {
  testing::write_file(file("d/a"), "1");
  open();
  auto cursor = now();
  std::filesystem::rename(file("d"), file("e"));
  testing::write_file(file("e/new"), "2");
  const std::uint64_t directory_id = 2;  // the first directory below the root
  const std::array early{Sighting{.slot = {directory_id, "new"}}};
  EXPECT_TRUE(catalog_->settle(early)) << "d is not where it was: nothing may be concluded";
  EXPECT_EQ(since(cursor), Lines{});
  const std::array late{Sighting{.slot = {root_id, "d"}, .to = Slot{root_id, "e"}}};
  EXPECT_FALSE(catalog_->settle(late));
  EXPECT_EQ(since(cursor), (Lines{"rename e from d", "create e/new"}));
}

TEST_F(CatalogTest, AVersionThatWasReplacedGetsATagOfItsOwn) {
  testing::write_file(file("a"), "1");
  open();
  auto old = status("a");
  auto old_tag = tag("a");
  testing::write_file(file("fresh"), "22");
  std::filesystem::rename(file("fresh"), file("a"));
  auto new_tag = tag("a");
  EXPECT_NE(new_tag, old_tag);
  auto stale_tag = catalog_->etag("a", old);  // somebody still serves the old descriptor
  EXPECT_NE(stale_tag, new_tag);
  EXPECT_NE(stale_tag, catalog_->etag("a", old));
  EXPECT_EQ(tag("a"), new_tag);
}

TEST_F(CatalogTest, AnUnseenFileIsFoundByTheRequestForIt) {
  open();
  auto cursor = now();
  testing::write_file(file("d/e/a"), "1");
  EXPECT_FALSE(tag("d/e/a").empty());
  EXPECT_EQ(since(cursor), (Lines{"create d", "create d/e", "create d/e/a"}));
}

TEST_F(CatalogTest, OldCursorsExpire) {
  open(3);
  auto cursor = now();
  for (int i = 0; i < 4; ++i) {
    auto name = "f" + std::to_string(i);
    testing::write_file(file(name), "1");
    catalog_->mutate()->created(name, status(name));
  }
  EXPECT_EQ(since(cursor), Lines{"expired"});
  EXPECT_EQ(since("00000000.0"), Lines{"expired"});
  EXPECT_EQ(since("garbage"), Lines{"expired"});
  auto ahead = now() + "ff";
  EXPECT_EQ(since(ahead), Lines{"expired"});
}

TEST_F(CatalogTest, ALongPollEndsWithTheChange) {
  open();
  auto cursor = now();
  std::thread writer([&] {
    testing::write_file(file("a"), "1");
    catalog_->mutate()->created("a", status("a"));
  });
  auto page = catalog_->changes(cursor, 10, std::chrono::minutes(5));
  writer.join();
  ASSERT_TRUE(page);
  ASSERT_EQ(page->changes.size(), 1U);
  EXPECT_EQ(page->changes[0].change.path, "a");
}

TEST_F(CatalogTest, StoppingEndsLongPolls) {
  open();
  auto cursor = now();
  std::thread stopper([&] { catalog_->stop(); });
  auto page = catalog_->changes(cursor, 10, std::chrono::minutes(5));
  stopper.join();
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->changes.empty());
  EXPECT_EQ(page->cursor, cursor);
}

TEST_F(CatalogTest, HashesAreKeptPerVersion) {
  testing::write_file(file("a"), std::string(5000, 'x'));
  open();
  EXPECT_EQ(catalog_->known_sha256("a", status("a")), "");
  auto hash = catalog_->hash("a", 4096);
  ASSERT_TRUE(hash);
  EXPECT_EQ(hash->sha256, hex(sha256(std::string(5000, 'x'))));
  ASSERT_EQ(hash->blocks.size(), 2U);
  EXPECT_EQ(hash->blocks[1].offset, 4096U);
  EXPECT_EQ(hash->blocks[1].size, 904U);
  EXPECT_EQ(hash->blocks[1].sha256, hex(sha256(std::string(904, 'x'))));
  EXPECT_EQ(hash->blocks[1].adler32, adler32(std::string(904, 'x')));
  EXPECT_EQ(hash->etag, tag("a"));
  EXPECT_EQ(catalog_->known_sha256("a", status("a")), hash->sha256);
  auto again = catalog_->hash("a", 4096);  // from the table
  ASSERT_TRUE(again);
  EXPECT_EQ(again->sha256, hash->sha256);
  EXPECT_EQ(again->blocks[1].sha256, hash->blocks[1].sha256);
  EXPECT_EQ(again->blocks[1].adler32, hash->blocks[1].adler32);
  testing::write_file(file("a"), std::string(5000, 'y'));
  EXPECT_EQ(catalog_->hash("a", 4096)->sha256, hex(sha256(std::string(5000, 'y'))));
  EXPECT_EQ(catalog_->hash("missing", 4096).error(), ENOENT);
}

TEST_F(CatalogTest, NamesThatJsonCannotCarryStayOutOfTheFeed) {
  testing::write_file(file("\xff-latin"), "1");
  open();
  EXPECT_EQ(since(""), Lines{});
  EXPECT_FALSE(tag("\xff-latin").empty());
}

}  // namespace
}  // namespace refserver

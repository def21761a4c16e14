// PUT: whole or not at all in full; every hazard of writing in place in stock.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "dav_fixture.hpp"

namespace refserver::dav {
namespace {

using Names = std::vector<std::string>;
using Reports = std::vector<std::string>;

class PutByHand {
 public:
  PutByHand(const Request& request, const DavContext& context)
      : exchange_(make_dav_exchange(request, context)) {}

  bool refused() { return exchange_->refuse().has_value(); }
  bool write(std::string_view piece) { return exchange_->write(std::as_bytes(std::span(piece))); }
  Answer finish() { return read_answer(exchange_->finish()); }

 private:
  std::unique_ptr<Exchange> exchange_;
};

TEST_F(FullDav, PutCreatesAndReplaces) {
  const Answer created = send("PUT", "f", {}, "one");
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(created.header("X-Sync-Seq"), "1");
  EXPECT_EQ(created.header("ETag"), etag_of("f"));

  const Answer replaced = send("PUT", "f", {}, "two, and longer");
  EXPECT_EQ(replaced.status, 204);
  EXPECT_EQ(replaced.header("X-Sync-Seq"), "2");
  EXPECT_EQ(replaced.header("ETag"), etag_of("f"));
  EXPECT_NE(replaced.header("ETag"), created.header("ETag"));
  EXPECT_EQ(read_file("f"), "two, and longer");
  EXPECT_EQ(names_in(""), Names{"f"}) << "no temporary file stays";
  EXPECT_EQ(catalog_.reports, (Reports{"created f", "modified f"}));
}

TEST_F(FullDav, EmptyFilesAreFilesToo) {
  EXPECT_EQ(send("PUT", "empty").status, 201);
  EXPECT_TRUE(exists("empty"));
}

TEST_F(FullDav, BytesAreOnDiskBeforeTheNameAndTheNameBeforeTheAnswer) {
  struct Sync {
    std::uintmax_t size;
    bool is_directory;
    bool published;
  };
  std::vector<Sync> syncs;
  sync_disk_ = [&](int fd) {
    struct stat status{};
    EXPECT_EQ(::fstat(fd, &status), 0);
    syncs.push_back({static_cast<std::uintmax_t>(status.st_size), S_ISDIR(status.st_mode), exists("f")});
    return 0;
  };
  ASSERT_EQ(send("PUT", "f", {}, "12345").status, 201);
  ASSERT_EQ(syncs.size(), 2U);
  EXPECT_EQ(syncs[0].size, 5U);
  EXPECT_FALSE(syncs[0].published);
  EXPECT_TRUE(syncs[1].is_directory);
  EXPECT_TRUE(syncs[1].published);
}

TEST_F(FullDav, ADiskThatFailsToSyncFailsThePut) {
  write_file("f", "old");
  sync_disk_ = [](int) { return EIO; };
  EXPECT_EQ(send("PUT", "f", {}, "new").status, 500);
  EXPECT_EQ(read_file("f"), "old");
  EXPECT_EQ(names_in(""), Names{"f"});
}

TEST_F(FullDav, ReadersSeeTheOldFileUntilThePutIsDone) {
  write_file("f", "old");
  PutByHand put(request("PUT", "f"), context());
  ASSERT_FALSE(put.refused());
  ASSERT_TRUE(put.write("new ha"));
  EXPECT_EQ(send("GET", "f").body, "old");
  EXPECT_EQ(send("PROPFIND", "", {{"Depth", "1"}}).body.find("nithron-refserver"), std::string::npos);
  ASSERT_TRUE(put.write("lf"));
  EXPECT_EQ(put.finish().status, 204);
  EXPECT_EQ(send("GET", "f").body, "new half");
}

TEST_F(FullDav, ABrokenUploadLeavesNothingBehind) {
  write_file("f", "old");
  {
    PutByHand put(request("PUT", "f"), context());
    ASSERT_FALSE(put.refused());
    ASSERT_TRUE(put.write("half"));
    EXPECT_EQ(names_in("").size(), 2U);
  }
  EXPECT_EQ(names_in(""), Names{"f"});
  EXPECT_EQ(read_file("f"), "old");
  EXPECT_TRUE(catalog_.reports.empty());
}

TEST_F(FullDav, ConditionsAreCheckedBeforeTheBodyIsAskedFor) {
  write_file("f", "old");
  const Answer stale = send("PUT", "f", {{"If-Match", "\"gone\""}}, "new");
  EXPECT_EQ(stale.status, 412);
  EXPECT_TRUE(stale.body_refused);
  EXPECT_EQ(send("PUT", "f", {{"If-None-Match", "*"}}, "new").status, 412);
  EXPECT_EQ(send("PUT", "missing", {{"If-Match", "*"}}, "new").status, 412);
  EXPECT_EQ(read_file("f"), "old");
  EXPECT_EQ(names_in(""), Names{"f"});
  EXPECT_EQ(send("PUT", "f", {{"If-Match", etag_of("f")}}, "new").status, 204);
  EXPECT_EQ(send("PUT", "fresh", {{"If-None-Match", "*"}}, "new").status, 201);
}

TEST_F(FullDav, ConditionsAreCheckedAgainWhenTheBodyIsThere) {
  write_file("f", "old");
  PutByHand put(request("PUT", "f", {{"If-Match", etag_of("f")}}), context());
  ASSERT_FALSE(put.refused());
  ASSERT_TRUE(put.write("mine"));
  ASSERT_EQ(send("PUT", "f", {}, "theirs").status, 204);
  EXPECT_EQ(put.finish().status, 412);
  EXPECT_EQ(read_file("f"), "theirs");
  EXPECT_EQ(names_in(""), Names{"f"});
}

TEST_F(FullDav, ADirectoryThatAppearsMeanwhileIsNotReplaced) {
  PutByHand put(request("PUT", "x"), context());
  ASSERT_FALSE(put.refused());
  ASSERT_EQ(send("MKCOL", "x").status, 201);
  EXPECT_EQ(put.finish().status, 405);
}

TEST_F(FullDav, AParentThatDisappearsMeanwhileIsAConflict) {
  std::filesystem::create_directory(on_disk("d"));
  PutByHand put(request("PUT", "d/f"), context());
  ASSERT_FALSE(put.refused());
  ASSERT_TRUE(put.write("x"));
  std::filesystem::rename(on_disk("d"), on_disk("e"));
  EXPECT_EQ(put.finish().status, 409);
  EXPECT_TRUE(names_in("e").empty());
}

TEST_F(FullDav, TimesAreSetOnRequest) {
  const Answer answer = send("PUT", "f", {{"X-OC-Mtime", "1700000000.25"}}, "x");
  EXPECT_EQ(answer.header("X-OC-Mtime"), "accepted");
  struct stat status{};
  ASSERT_EQ(::stat(on_disk("f").c_str(), &status), 0);
  EXPECT_EQ(status.st_mtim.tv_sec, 1700000000);
  EXPECT_EQ(status.st_mtim.tv_nsec, 250'000'000);
  EXPECT_EQ(send("PUT", "f", {{"X-OC-Mtime", "tomorrow"}}, "x").status, 400);
  EXPECT_EQ(send("PUT", "g", {}, "x").header("X-OC-Mtime"), "");
}

TEST_F(FullDav, SameSizeAndTimeIsStillANewVersion) {
  const Answer first = send("PUT", "f", {{"X-OC-Mtime", "1700000000"}}, "aaa");
  const Answer second = send("PUT", "f", {{"X-OC-Mtime", "1700000000"}}, "bbb");
  EXPECT_NE(first.header("ETag"), second.header("ETag"));
}

TEST_F(FullDav, PartialPutsAreRefused) {
  write_file("f", "0123456789");
  EXPECT_EQ(send("PUT", "f", {{"Content-Range", "bytes 0-1/10"}}, "xx").status, 400);
  EXPECT_EQ(read_file("f"), "0123456789");
}

TEST_F(FullDav, PermissionBitsSurviveReplacing) {
  write_file("script", "old");
  ASSERT_EQ(::chmod(on_disk("script").c_str(), 0750), 0);
  ASSERT_EQ(send("PUT", "script", {}, "new").status, 204);
  struct stat status{};
  ASSERT_EQ(::stat(on_disk("script").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0750U);
}

TEST_F(FullDav, PutRefusesWhatIsNoPlaceForAFile) {
  std::filesystem::create_directory(on_disk("d"));
  write_file("f", "x");
  std::filesystem::create_symlink("f", on_disk("link"));
  EXPECT_EQ(send("PUT", "d", {}, "x").status, 405);
  EXPECT_EQ(send("PUT", "new/", {}, "x").status, 405);
  EXPECT_EQ(send("PUT", "", {}, "x").status, 405);
  EXPECT_EQ(send("PUT", "missing/f", {}, "x").status, 409);
  EXPECT_EQ(send("PUT", "f/below", {}, "x").status, 409);
  EXPECT_EQ(send("PUT", "bad%FF", {}, "x").status, 400);
  EXPECT_EQ(send("PUT", "link", {}, "x").status, 403);
  EXPECT_TRUE(std::filesystem::is_symlink(on_disk("link")));
}

TEST_F(FullDav, FilesOverTheLimitAreRefused) {
  share_.max_size = 4;
  const Answer announced = send("PUT", "f", {}, "12345");
  EXPECT_EQ(announced.status, 413);
  EXPECT_TRUE(announced.body_refused);
  Request chunked = request("PUT", "f");
  chunked.content_length.reset();
  PutByHand put(chunked, context());
  ASSERT_FALSE(put.refused());
  EXPECT_TRUE(put.write("1234"));
  EXPECT_FALSE(put.write("5"));
  EXPECT_EQ(put.finish().status, 413);
  EXPECT_TRUE(names_in("").empty());
}

TEST_F(FullDav, ReadOnlySharesRefuseEveryChange) {
  write_file("f", "x");
  share_.read_only = true;
  EXPECT_EQ(send("PUT", "f", {}, "y").status, 403);
  EXPECT_EQ(send("DELETE", "f").status, 403);
  EXPECT_EQ(send("MKCOL", "d").status, 403);
  EXPECT_EQ(send("MOVE", "f", {{"Destination", "/dav/sh%201/g"}}).status, 403);
  EXPECT_EQ(send("COPY", "f", {{"Destination", "/dav/sh%201/g"}}).status, 403);
  EXPECT_EQ(send("GET", "f").body, "x");
  EXPECT_EQ(names_in(""), Names{"f"});
}

class FullDisk : public DavFixture, public ::testing::WithParamInterface<std::pair<Profile, int>> {
 protected:
  FullDisk() : DavFixture(GetParam().first) {}
};

TEST_P(FullDisk, IsToldByTheStatusOfTheProfile) {
  if (!mount_tiny_disk(on_disk(""))) GTEST_SKIP() << "mounting is not allowed here: " << std::strerror(errno);
  share_.root_fd.reset(::open(root_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  write_file("f", "old");
  EXPECT_EQ(send("PUT", "f", {}, std::string(200'000, 'x')).status, GetParam().second);
  if (profile_ == Profile::full) {
    EXPECT_EQ(read_file("f"), "old");
    EXPECT_EQ(names_in(""), Names{"f"});
  } else {
    EXPECT_NE(read_file("f"), "old") << "destroyed";
  }
  ::umount2(root_.path().c_str(), MNT_DETACH);
}

INSTANTIATE_TEST_SUITE_P(Profiles, FullDisk,
                         ::testing::Values(std::pair(Profile::full, 507), std::pair(Profile::stock, 405)));

// --- Stock
// ---------------------------------------------------------------------------------------------------

TEST_F(StockDav, PutAlwaysSaysCreated) {
  EXPECT_EQ(send("PUT", "f", {}, "one").status, 201);
  const Answer again = send("PUT", "f", {}, "two");
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.header("ETag"), etag_of("f"));
  EXPECT_EQ(again.header("X-Sync-Seq"), "");
  EXPECT_EQ(send("PUT", "missing/f", {}, "x").status, 409);
}

TEST_F(StockDav, PutIgnoresConditions) {
  write_file("f", "old");
  EXPECT_EQ(send("PUT", "f", {{"If-Match", "\"gone\""}}, "new").status, 201);
  EXPECT_EQ(send("PUT", "f", {{"If-None-Match", "*"}}, "newer").status, 201);
  EXPECT_EQ(read_file("f"), "newer");
}

TEST_F(StockDav, PutIgnoresContentRangeAndTruncates) {
  write_file("f", "0123456789");
  EXPECT_EQ(send("PUT", "f", {{"Content-Range", "bytes 4-5/10"}}, "xx").status, 201);
  EXPECT_EQ(read_file("f"), "xx");
}

TEST_F(StockDav, ReadersSeeHalfAFile) {
  write_file("f", "old content");
  PutByHand put(request("PUT", "f"), context());
  ASSERT_FALSE(put.refused());
  ASSERT_TRUE(put.write("ha"));
  EXPECT_EQ(send("GET", "f").body, "ha");
  ASSERT_TRUE(put.write("lf"));
  EXPECT_EQ(put.finish().status, 201);
}

TEST_F(StockDav, ABrokenUploadHasDestroyedTheOldFile) {
  write_file("f", "old content");
  {
    PutByHand put(request("PUT", "f"), context());
    ASSERT_FALSE(put.refused());
    ASSERT_TRUE(put.write("ha"));
  }
  EXPECT_EQ(read_file("f"), "ha");
}

TEST_F(StockDav, TimesCannotBeSet) {
  const Answer answer = send("PUT", "f", {{"X-OC-Mtime", "1700000000"}}, "x");
  EXPECT_EQ(answer.header("X-OC-Mtime"), "");
  struct stat status{};
  ASSERT_EQ(::stat(on_disk("f").c_str(), &status), 0);
  EXPECT_GT(status.st_mtim.tv_sec, 1700000000);
}

}  // namespace
}  // namespace refserver::dav

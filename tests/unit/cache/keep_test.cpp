// What stays: recording, adoption after the index was lost, deletion by others, limits.
#include <sys/xattr.h>

#include <fstream>

#include "cache_fixture.hpp"

namespace nithronfs::cache {
namespace {

namespace fs = std::filesystem;

class KeepTest : public CacheTest {
 protected:
  void SetUp() override {
    CacheTest::SetUp();
    source->instant = true;
  }
  void read_whole(const FileSpec& file) {
    stream = open(file);
    expect_bytes(*read(stream, 0, file.size), 0, file.size);
  }
  void restart_instant() {
    restart();
    source->instant = true;
  }
  std::vector<fs::path> data_files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(directory + "/cache/data")) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    return files;
  }
};

TEST_F(KeepTest, SurvivesARestartWithoutARequest) {
  read_whole(spec(300 * kib));
  restart_instant();
  EXPECT_EQ(cache->total_bytes(), 300 * kib);
  EXPECT_EQ(cache->cached_bytes(spec(300 * kib)), 300 * kib);
  read_whole(spec(300 * kib));
  EXPECT_TRUE(source->calls.empty());
}

TEST_F(KeepTest, PartsSurviveToo) {
  stream = open(spec(50 * mib));
  read(stream, 10 * mib, 4 * kib);
  const auto cached = cache->cached_bytes(spec(50 * mib));
  EXPECT_GE(cached, 4 * kib);
  restart_instant();
  EXPECT_EQ(cache->cached_bytes(spec(50 * mib)), cached);
  stream = open(spec(50 * mib));
  expect_bytes(*read(stream, 10 * mib, 4 * kib), 10 * mib, 4 * kib);
  EXPECT_TRUE(source->calls.empty());
}

TEST_F(KeepTest, ACompleteFileIsAdoptedWhenTheIndexIsLost) {
  read_whole(spec(300 * kib));
  settle();
  stop();
  fs::remove_all(directory + "/index");
  start();
  source->instant = true;
  read_whole(spec(300 * kib));
  EXPECT_TRUE(source->calls.empty());
  EXPECT_EQ(cache->total_bytes(), 300 * kib);
}

TEST_F(KeepTest, AnIncompleteFileIsNotAdopted) {
  stream = open(spec(50 * mib));
  read(stream, 10 * mib, 4 * kib);
  settle();
  stop();
  fs::remove_all(directory + "/index");
  start();
  source->instant = true;
  stream = open(spec(50 * mib));
  expect_bytes(*read(stream, 20 * mib, 4 * kib), 20 * mib, 4 * kib);
  EXPECT_EQ(source->calls.size(), 1U);
}

TEST_F(KeepTest, AMarkOfAnotherVersionIsNotBelieved) {
  read_whole(spec(300 * kib));
  settle();
  stop();
  fs::remove_all(directory + "/index");
  const auto files = data_files();
  ASSERT_EQ(files.size(), 1U);
  ASSERT_EQ(setxattr(files[0].c_str(), "user.nithronfs.version", "v2", 2, 0), 0);
  start();
  source->instant = true;
  read_whole(spec(300 * kib));
  EXPECT_FALSE(source->calls.empty());
}

TEST_F(KeepTest, DeletedByOthersWhileOpenStillReads) {
  stream = open(spec(mib));
  read(stream, 0, 4 * kib);
  fs::remove_all(directory + "/cache");
  expect_bytes(*read(stream, 512 * kib, 4 * kib), 512 * kib, 4 * kib);
  const auto other = open(spec(mib, 2));
  expect_bytes(*read(other, 0, 4 * kib), 0, 4 * kib);
}

TEST_F(KeepTest, DeletedByOthersBetweenRunsIsFetchedAgain) {
  read_whole(spec(300 * kib));
  stop();
  fs::remove_all(directory + "/cache");
  start();
  source->instant = true;
  read_whole(spec(300 * kib));
  EXPECT_FALSE(source->calls.empty());
}

TEST_F(KeepTest, ATruncatedDataFileIsFetchedAgain) {
  read_whole(spec(300 * kib));
  settle();
  stop();
  for (const auto& file : data_files()) fs::resize_file(file, 100);
  start();
  source->instant = true;
  read_whole(spec(300 * kib));
  EXPECT_FALSE(source->calls.empty());
}

TEST_F(KeepTest, DiscardedBytesGoWithTheLastHandle) {
  read_whole(spec(300 * kib));
  settle();
  cache->discard(spec(300 * kib).key);
  expect_bytes(*read(stream, 0, 300 * kib), 0, 300 * kib);
  stream.reset();
  EXPECT_TRUE(data_files().empty());
  EXPECT_EQ(cache->total_bytes(), 0U);
}

TEST_F(KeepTest, StaysBelowTheLimitByWhatWasUsedLongestAgo) {
  stop();
  max_bytes = mib;
  start();
  source->instant = true;
  for (std::uint8_t name = 1; name <= 8; ++name) {
    read_whole(spec(256 * kib, name));
    settle();
  }
  stream.reset();
  settle();
  EXPECT_LE(cache->total_bytes(), max_bytes);
  EXPECT_GT(cache->counters().evicted_files, 0U);
  const auto before = source->calls.size();
  read_whole(spec(256 * kib, 8));
  EXPECT_EQ(source->calls.size(), before) << "the newest went first";
  read_whole(spec(256 * kib, 1));
  EXPECT_GT(source->calls.size(), before) << "the oldest is still there";
}

TEST_F(KeepTest, StrangersAreRemovedAtStart) {
  stop();
  fs::create_directories(directory + "/cache/data/ab");
  const auto stranger = directory + "/cache/data/ab/ab000000000000000000000000000000";
  std::ofstream(stranger) << "left by a crash";
  start();
  settle();
  EXPECT_FALSE(fs::exists(stranger));
}

TEST_F(KeepTest, BackupProgramsAreToldToLeaveItOut) {
  std::ifstream tag(directory + "/cache/CACHEDIR.TAG");
  std::string line;
  std::getline(tag, line);
  EXPECT_EQ(line, "Signature: 8a477f597d28d172789f06886806bc55");
}

}  // namespace
}  // namespace nithronfs::cache

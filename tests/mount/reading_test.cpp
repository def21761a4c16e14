// S3 and S5, and what reading costs: requests and bytes on the wire.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <thread>

#include "nithronfs/util/unique_fd.hpp"
#include "scenario.hpp"

namespace nithronfs::test {
namespace {

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;

class ReadingTest : public MountTest {};

TEST_F(ReadingTest, S3_ReadingFourKibOfFiftyGibDoesNotFetchTheFile) {
  constexpr std::uint64_t size = 50 * 1024 * mib;
  constexpr std::uint64_t place = 20 * 1024 * mib + 4096;
  const std::string bytes = pattern(1, 4096);
  write_file(share("huge"), "");
  fs::resize_file(share("huge"), size);
  {
    const UniqueFd fd(::open(share("huge").c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), place), 4096);
  }
  mount();
  EXPECT_EQ(fs::file_size(at("huge")), size);
  proxy_.forget();
  const ReadOutcome outcome = try_read(at("huge"), place, 4096);
  EXPECT_ERRNO(outcome.error, 0);
  EXPECT_EQ(outcome.bytes, bytes);
  EXPECT_LT(proxy_.counters().from_server, 2 * mib);
  for (const AccessLine& line : server_.access_log()) {
    if (line.method != "GET" || line.path != "/dav/share/huge") continue;
    EXPECT_NE(line.range, "") << "a GET of the whole file";
  }
}

TEST_F(ReadingTest, S3_SequentialReadingNeedsFarFewerRequestsThanReads) {
  constexpr std::uint64_t size = 64 * mib;
  write_file(share("film"), pattern(1, size));
  mount();
  EXPECT_EQ(sha256_of_file(at("film")), sha256(pattern(1, size)));
  EXPECT_LE(gets("film"), 40U);
  EXPECT_LT(proxy_.counters().from_server, size + 4 * mib) << "bytes were fetched twice";
}

TEST_F(ReadingTest, S3_ASecondReadIsServedWithoutARequest) {
  write_file(share("file"), pattern(1, 3 * mib + 17));
  mount();
  EXPECT_EQ(sha256_of_file(at("file")), sha256(pattern(1, 3 * mib + 17)));
  const std::size_t before = server_.access_log().size();
  forget_pages(at("file"));
  EXPECT_EQ(sha256_of_file(at("file")), sha256(pattern(1, 3 * mib + 17)));
  EXPECT_EQ(server_.access_log().size(), before);
}

TEST_F(ReadingTest, S3_WhatWasReadSurvivesARemount) {
  write_file(share("file"), pattern(1, 3 * mib + 17));
  mount();
  EXPECT_EQ(sha256_of_file(at("file")), sha256(pattern(1, 3 * mib + 17)));
  const std::size_t before = gets();
  mount_->remount();
  EXPECT_EQ(sha256_of_file(at("file")), sha256(pattern(1, 3 * mib + 17)));
  EXPECT_EQ(gets(), before);
}

TEST_F(ReadingTest, S3_ReadersOfTheSameBytesShareOneFetch) {
  constexpr std::uint64_t size = 8 * mib;
  write_file(share("file"), pattern(1, size));
  mount();
  ASSERT_EQ(fs::file_size(at("file")), size);
  proxy_.forget();
  proxy_.set({.rate = 16 * mib});  // slow enough for all readers to wait for the same bytes
  std::vector<std::thread> readers;
  for (unsigned i = 0; i < 8; ++i) {
    readers.emplace_back([&] { EXPECT_EQ(sha256_of_file(at("file")), sha256(pattern(1, size))); });
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_LT(proxy_.counters().from_server, size + mib) << "bytes were fetched twice";
}

TEST_F(ReadingTest, RandomReadsReturnTheRightBytes) {
  constexpr std::uint64_t size = 16 * mib + 123;
  const std::string expected = pattern(5, size);
  write_file(share("file"), expected);
  mount();
  const UniqueFd fd(::open(at("file").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(fd);
  std::mt19937_64 random(42);  // NOLINT: the same walk each time is wanted
  for (unsigned i = 0; i < 500; ++i) {
    const std::uint64_t offset = random() % (size + 1000);
    const std::size_t length = 1 + random() % (300 * kib);
    std::string bytes(length, '\0');
    const ssize_t count = ::pread(fd.get(), bytes.data(), length, static_cast<off_t>(offset));
    ASSERT_GE(count, 0) << std::strerror(errno);
    bytes.resize(static_cast<std::size_t>(count));
    ASSERT_EQ(bytes, offset < size ? expected.substr(offset, length) : "") << offset << "+" << length;
  }
}

TEST_F(ReadingTest, MappingsReturnTheRightBytes) {
  constexpr std::uint64_t size = 4 * mib + 100;
  write_file(share("file"), pattern(6, size));
  mount();
  const UniqueFd fd(::open(at("file").c_str(), O_RDONLY | O_CLOEXEC));
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  ASSERT_NE(address, MAP_FAILED);
  const std::string_view mapped(static_cast<const char*>(address), size);
  EXPECT_EQ(mapped[3 * mib], pattern(6, size)[3 * mib]);  // backwards first: no sequential reader
  EXPECT_EQ(sha256(mapped), sha256(pattern(6, size)));
  ::munmap(address, size);
}

TEST_F(ReadingTest, ManyFilesInParallelReturnTheRightBytes) {
  make_sample_tree(share(), {.seed = 3, .small_files = 400, .odd = false});
  mount();
  std::vector<std::thread> readers;
  for (unsigned i = 0; i < 4; ++i) {
    readers.emplace_back([&] { EXPECT_THAT(differences(share(), mount_->root()), ::testing::IsEmpty()); });
  }
  for (std::thread& reader : readers) reader.join();
}

TEST_F(ReadingTest, DirectIoReturnsTheRightBytes) {
  write_file(share("file"), pattern(9, mib));
  mount();
  const Finished finished =
      run({.arguments = {"dd", "if=" + at("file").string(), "iflag=direct", "bs=64K", "status=none"}});
  EXPECT_EQ(finished.exit, (Exit{0, 0}));
  EXPECT_EQ(sha256(finished.output), sha256(pattern(9, mib)));
}

// Each way for a body to be other than announced. The bytes must never reach a reader nor the cache.
class WrongBodyTest : public ReadingTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(WrongBodyTest, S5_IsNeverReturnedAndNeverCached) {
  constexpr std::uint64_t size = 300'000;
  write_file(share("file"), pattern(1, size));
  mount({settled, "timeout=3s"});
  ASSERT_EQ(fs::file_size(at("file")), size);
  server_.set_faults(GetParam());
  const ReadOutcome spoiled = try_read_all(at("file"));
  // A body that breaks off may be continued where it ended; whatever comes without an error is whole.
  const std::size_t right = spoiled.error == 0 ? size : spoiled.bytes.size();
  EXPECT_EQ(sha256(spoiled.bytes), sha256(pattern(1, size).substr(0, right))) << "wrong bytes were returned";
  server_.set_faults("[]");
  const ReadOutcome healed = try_read_all(at("file"));
  EXPECT_ERRNO(healed.error, 0);
  EXPECT_EQ(sha256(healed.bytes), sha256(pattern(1, size))) << "wrong bytes were cached";
  mount_->remount();
  EXPECT_EQ(sha256_of_file(at("file")), sha256(pattern(1, size))) << "wrong bytes were kept";
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, WrongBodyTest,
    ::testing::Values(
        R"([{"method":"GET","path":"/dav/*","close_after":1000}])",
        R"([{"method":"GET","path":"/dav/*","reset_after":70000}])",
        R"([{"method":"GET","path":"/dav/*","close_after":0}])",
        R"([{"method":"GET","path":"/dav/*","content_length":1000}])",
        R"([{"method":"GET","path":"/dav/*","status":200,"body_bytes":300000}])",
        R"([{"method":"GET","path":"/dav/*","status":200,"body":"<html>please log in</html>"}])",
        R"([{"method":"GET","path":"/dav/*","status":206,"body_bytes":300000}])",
        R"([{"method":"GET","path":"/dav/*","status":206,"body_bytes":131072,
                          "headers":{"Content-Range":"bytes 4096-135167/300000"}}])",
        R"([{"method":"GET","path":"/dav/*","status":206,"body_bytes":300000,
                          "headers":{"Content-Range":"bytes 0-299999/300001"}}])",
        R"([{"method":"GET","path":"/dav/*","status":204}])",
        R"([{"method":"GET","path":"/dav/*","status":416}])"));

}  // namespace
}  // namespace nithronfs::test

// S1 and S2: an open file is one version, whatever happens on the server.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nithronfs/util/unique_fd.hpp"
#include "scenario.hpp"

namespace nithronfs::test {
namespace {

constexpr std::size_t mib = 1024 * 1024;

class VersionsTest : public MountTest {
 protected:
  UniqueFd open(const std::string& name) {
    UniqueFd fd(::open(at(name).c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(fd) << std::strerror(errno);
    return fd;
  }
  static std::string pread_all(int fd, std::size_t length, std::size_t offset = 0) {
    std::string bytes(length, '\0');
    const ssize_t count = ::pread(fd, bytes.data(), length, static_cast<off_t>(offset));
    bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return bytes;
  }
};

TEST_F(VersionsTest, S1_AnOpenFileKeepsItsVersionWhileANewOpenSeesTheNewOne) {
  write_file(share("file"), "old content");
  mount({watchful});
  const UniqueFd old = open("file");
  EXPECT_EQ(pread_all(old.get(), 100), "old content");
  const std::uint64_t old_inode = inode_of(at("file"));

  replace_file(share("file"), "new and longer content");
  EXPECT_TRUE(eventually([&] { return try_read_all(at("file")).bytes == "new and longer content"; }));
  EXPECT_NE(inode_of(at("file")), old_inode);

  forget_pages(old.get());
  EXPECT_EQ(pread_all(old.get(), 100), "old content");
  struct stat status{};
  ASSERT_EQ(::fstat(old.get(), &status), 0);
  EXPECT_EQ(status.st_ino, old_inode);
  EXPECT_EQ(status.st_size, 11);
}

TEST_F(VersionsTest, S1_AChangeInPlaceOfTheSameSizeIsANewVersionToo) {
  write_file(share("file"), "aaaa");
  mount({watchful});
  const UniqueFd old = open("file");
  EXPECT_EQ(pread_all(old.get(), 4), "aaaa");
  write_file(share("file"), "bbbb");
  EXPECT_TRUE(eventually([&] { return try_read_all(at("file")).bytes == "bbbb"; }));
  forget_pages(old.get());
  EXPECT_EQ(pread_all(old.get(), 4), "aaaa");
}

TEST_F(VersionsTest, S1_AMappingKeepsItsVersion) {
  write_file(share("file"), pattern(1, mib));
  mount({watchful});
  const UniqueFd fd = open("file");
  void* address = ::mmap(nullptr, mib, PROT_READ, MAP_SHARED, fd.get(), 0);
  ASSERT_NE(address, MAP_FAILED);
  const std::string_view mapped(static_cast<const char*>(address), mib);
  EXPECT_EQ(sha256(mapped), sha256(pattern(1, mib)));
  replace_file(share("file"), pattern(2, mib));
  EXPECT_TRUE(eventually([&] { return try_read_all(at("file")).bytes == pattern(2, mib); }));
  EXPECT_EQ(sha256(mapped), sha256(pattern(1, mib)));
  ::munmap(address, mib);
}

TEST_F(VersionsTest, S2_BytesOfAVersionThatIsGoneFailWithEstale) {
  constexpr std::size_t size = 48 * mib;
  write_file(share("file"), pattern(1, size));
  mount({watchful});
  const UniqueFd old = open("file");
  EXPECT_EQ(pread_all(old.get(), 4096), pattern(1, 4096));
  replace_file(share("file"), pattern(2, size));

  std::string bytes(4096, '\0');
  EXPECT_EQ(::pread(old.get(), bytes.data(), bytes.size(), 40 * mib), -1);
  EXPECT_ERRNO(errno, ESTALE);
  // What is known of the old version is still there, and the new one is whole.
  EXPECT_EQ(pread_all(old.get(), 4096), pattern(1, 4096));
  EXPECT_TRUE(eventually([&] { return try_read(at("file"), 0, 4096).bytes == pattern(2, 4096); }));
  EXPECT_EQ(sha256_of_file(at("file")), sha256(pattern(2, size)));
}

TEST_F(VersionsTest, S2_AFileThatIsDeletedOnTheServerIsGoneForReadersToo) {
  constexpr std::size_t size = 48 * mib;
  write_file(share("file"), pattern(1, size));
  mount({watchful});
  const UniqueFd old = open("file");
  EXPECT_EQ(pread_all(old.get(), 4096), pattern(1, 4096));
  fs::remove(share("file"));
  std::string bytes(4096, '\0');
  EXPECT_EQ(::pread(old.get(), bytes.data(), bytes.size(), 40 * mib), -1);
  EXPECT_ERRNO(errno, ESTALE);
  EXPECT_TRUE(eventually([&] { return try_read_all(at("file")).error == ENOENT; }));
}

TEST_F(VersionsTest, S1_ReadersNeverSeeAMixtureWhileTheFileIsReplacedAgainAndAgain) {
  constexpr std::size_t size = 2 * mib;
  write_file(share("file"), pattern(100, size));
  mount({watchful});
  std::vector<std::string> versions;
  for (unsigned i = 0; i < 12; ++i) {
    replace_file(share("file"), pattern(100 + i, size));
    versions.push_back(sha256(pattern(100 + i, size)));
    const ReadOutcome outcome = try_read_all(at("file"));
    if (outcome.error == 0) {
      EXPECT_NE(std::ranges::find(versions, sha256(outcome.bytes)), versions.end())
          << "a mixture, in round " << i;
    } else {
      EXPECT_ERRNO(outcome.error, ESTALE);
    }
  }
  EXPECT_TRUE(eventually([&] { return sha256(try_read_all(at("file")).bytes) == versions.back(); }));
}

}  // namespace
}  // namespace nithronfs::test

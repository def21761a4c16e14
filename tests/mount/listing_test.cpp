// S13, S14, S28, and that a read-only mount says so: names, directories, attributes.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "nithronfs/util/unique_fd.hpp"
#include "scenario.hpp"

namespace nithronfs::test {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;

class ListingTest : public MountTest {
 protected:
  // Every name that one pass over the directory returns, with how often; through readdir itself, so that
  // nothing filters duplicates. `between` runs after each thousand entries.
  std::map<std::string, int> list(const fs::path& folder, const std::function<void()>& between = [] {}) {
    std::map<std::string, int> names;
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(folder.c_str()), &::closedir);
    EXPECT_TRUE(stream) << std::strerror(errno);
    if (!stream) return names;
    std::size_t count = 0;
    errno = 0;
    while (const dirent* entry = ::readdir(stream.get())) {
      ++names[entry->d_name];
      if (++count % 1000 == 0) between();
      errno = 0;
    }
    EXPECT_ERRNO(errno, 0);
    return names;
  }
};

TEST_F(ListingTest, S13_OddNamesWork) {
  make_sample_tree(share(), {.small_files = 0, .borders = false});
  mount();
  EXPECT_THAT(differences(share(), mount_->root()), IsEmpty());
  mount_->remount();
  EXPECT_THAT(differences(share(), mount_->root()), IsEmpty());
}

TEST_F(ListingTest, S13_OddNamesAreFoundWithoutListingFirst) {
  make_sample_tree(share(), {.small_files = 0, .borders = false});
  mount();
  for (const std::string& name : odd_names()) {
    EXPECT_NE(inode_of(at("odd-folders/" + name + "/inside")), 0U) << printable(name);
  }
}

TEST_F(ListingTest, S13_NamesThatDoNotExistAreEnoentAndTooLongOnesAreSaid) {
  write_file(share("file"), "x");
  mount();
  EXPECT_ERRNO(try_read_all(at("nothing")).error, ENOENT);
  EXPECT_ERRNO(try_read_all(at("file/below")).error, ENOTDIR);
  EXPECT_ERRNO(try_read_all(at(std::string(256, 'n'))).error, ENAMETOOLONG);
  EXPECT_ERRNO(try_read_all(at("FILE")).error, ENOENT);
}

TEST_F(ListingTest, S14_AHundredThousandEntriesListOnceWhileTheDirectoryChanges) {
  constexpr unsigned count = 100'000;
  for (unsigned i = 0; i < count; ++i) {
    const UniqueFd fd(
        ::open(share("entry-" + std::to_string(i)).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    ASSERT_TRUE(fd);
  }
  mount({watchful});
  unsigned round = 0;
  const auto change = [&] {
    ++round;
    write_file(share("new-" + std::to_string(round)), "x");
    fs::remove(share("new-" + std::to_string(round / 2)));
  };
  // The second pass comes when the first listing is not current any more and is replaced under the reader.
  for (unsigned pass = 0; pass < 3; ++pass) {
    const std::map<std::string, int> names = list(mount_->root(), change);
    unsigned stable = 0;
    for (const auto& [name, times] : names) {
      EXPECT_EQ(times, 1) << name;
      stable += name.starts_with("entry-");
    }
    EXPECT_EQ(stable, count) << "in pass " << pass;
  }
  EXPECT_TRUE(eventually([&] { return list(mount_->root()).contains("new-" + std::to_string(round)); }));
}

TEST_F(ListingTest, ChangesOnTheServerShowUp) {
  write_file(share("stays"), "x");
  write_file(share("goes"), "x");
  mount({watchful});
  EXPECT_THAT(list(mount_->root()), ::testing::SizeIs(4));  // with . and ..
  fs::remove(share("goes"));
  write_file(share("comes"), "x");
  fs::create_directory(share("folder"));
  EXPECT_TRUE(eventually([&] {
    const auto names = list(mount_->root());
    return !names.contains("goes") && names.contains("comes") && names.contains("folder");
  }));
  EXPECT_TRUE(eventually([&] { return inode_of(at("goes")) == 0; }));
}

TEST_F(ListingTest, ADirectoryKeepsItsInodeWhenItsContentChanges) {
  fs::create_directory(share("folder"));
  mount({watchful});
  const std::uint64_t before = inode_of(at("folder"));
  write_file(share("folder/new"), "x");
  EXPECT_TRUE(eventually([&] { return list(at("folder")).contains("new"); }));
  EXPECT_EQ(inode_of(at("folder")), before);
}

TEST_F(ListingTest, InodesAreTheSameAfterARemount) {
  make_sample_tree(share(), {.small_files = 20, .odd = false, .borders = false});
  mount();
  std::map<std::string, std::uint64_t> before;
  for (const auto& entry : fs::recursive_directory_iterator(mount_->root()))
    before[entry.path()] = inode_of(entry.path());
  mount_->remount();
  for (const auto& [path, inode] : before) EXPECT_EQ(inode_of(path), inode) << path;
}

TEST_F(ListingTest, AttributesAreThoseOfTheServer) {
  write_file(share("file"), "twelve bytes");
  const timespec times[2] = {{1'600'000'000, 0}, {1'600'000'000, 123'000'000}};
  ASSERT_EQ(::utimensat(AT_FDCWD, share("file").c_str(), times, 0), 0);
  mount({settled, "uid=12", "gid=34"});
  struct stat status{};
  ASSERT_EQ(::stat(at("file").c_str(), &status), 0);
  EXPECT_EQ(status.st_size, 12);
  EXPECT_EQ(status.st_mtim.tv_sec, 1'600'000'000);
  EXPECT_EQ(status.st_uid, 12U);
  EXPECT_EQ(status.st_gid, 34U);
  EXPECT_TRUE(S_ISREG(status.st_mode));
  EXPECT_EQ(status.st_blocks, 1);
}

TEST_F(ListingTest, S28_StateAndCachedBytesTellWhatIsHere) {
  constexpr std::size_t size = 16 * 1024 * 1024;
  write_file(share("file"), pattern(1, size));
  write_file(share("empty"), "");
  mount();
  EXPECT_EQ(attribute(at("file"), "user.nithron.state").value, "online-only");
  EXPECT_EQ(attribute(at("file"), "user.nithron.cached_bytes").value, "0");
  EXPECT_EQ(try_read(at("file"), 8 * 1024 * 1024, 4096).bytes.size(), 4096U);
  EXPECT_EQ(attribute(at("file"), "user.nithron.state").value, "partial");
  const auto partial = std::stoull(attribute(at("file"), "user.nithron.cached_bytes").value);
  EXPECT_GE(partial, 4096U);
  EXPECT_LT(partial, size);
  EXPECT_EQ(sha256_of_file(at("file")), sha256(pattern(1, size)));
  EXPECT_EQ(attribute(at("file"), "user.nithron.state").value, "local");
  EXPECT_EQ(attribute(at("file"), "user.nithron.cached_bytes").value, std::to_string(size));
  EXPECT_EQ(attribute(at("file"), "user.nithron.durable").value, "remote");
  EXPECT_ERRNO(attribute(mount_->root(), "user.nithron.state").error, 0);
}

TEST_F(ListingTest, S28_OtherAttributesAreEnodataAndTheListIsHonest) {
  write_file(share("file"), "x");
  mount();
  EXPECT_ERRNO(attribute(at("file"), "user.other").error, ENODATA);
  EXPECT_ERRNO(attribute(at("file"), "user.nithron.other").error, ENODATA);
  EXPECT_ERRNO(attribute(at("file"), "security.capability").error, ENODATA);
  std::string names(4096, '\0');
  const ssize_t size = ::listxattr(at("file").c_str(), names.data(), names.size());
  ASSERT_GE(size, 0) << std::strerror(errno);
  names.resize(static_cast<std::size_t>(size));
  for (std::size_t start = 0; start < names.size(); start = names.find('\0', start) + 1) {
    EXPECT_ERRNO(attribute(at("file"), names.data() + start).error, 0);
  }
  char one = 0;
  EXPECT_EQ(::getxattr(at("file").c_str(), "user.nithron.state", &one, 1), -1);
  EXPECT_ERRNO(errno, ERANGE);
}

// Every way to change something. Each must fail with EROFS and change nothing.
TEST_F(ListingTest, EveryMutationIsErofs) {
  write_file(share("file"), "content");
  fs::create_directory(share("folder"));
  mount();
  const std::string file = at("file");
  const std::string folder = at("folder");
  const std::string fresh = at("fresh");
  const std::vector<std::pair<const char*, std::function<int()>>> mutations{
      {"open for writing", [&] { return ::open(file.c_str(), O_WRONLY | O_CLOEXEC); }},
      {"open to append", [&] { return ::open(file.c_str(), O_RDWR | O_APPEND | O_CLOEXEC); }},
      {"open to truncate", [&] { return ::open(file.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC); }},
      {"create", [&] { return ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644); }},
      {"mkdir", [&] { return ::mkdir(fresh.c_str(), 0755); }},
      {"mknod", [&] { return ::mknod(fresh.c_str(), S_IFREG | 0644, 0); }},
      {"mkfifo", [&] { return ::mkfifo(fresh.c_str(), 0644); }},
      {"symlink", [&] { return ::symlink("file", fresh.c_str()); }},
      {"link", [&] { return ::link(file.c_str(), fresh.c_str()); }},
      {"unlink", [&] { return ::unlink(file.c_str()); }},
      {"rmdir", [&] { return ::rmdir(folder.c_str()); }},
      {"rename", [&] { return ::rename(file.c_str(), fresh.c_str()); }},
      {"truncate", [&] { return ::truncate(file.c_str(), 1); }},
      {"chmod", [&] { return ::chmod(file.c_str(), 0600); }},
      {"chown", [&] { return ::chown(file.c_str(), 1, 1); }},
      {"utimens", [&] { return ::utimensat(AT_FDCWD, file.c_str(), nullptr, 0); }},
      {"setxattr", [&] { return ::setxattr(file.c_str(), "user.mine", "x", 1, 0); }},
      {"removexattr", [&] { return ::removexattr(file.c_str(), "user.nithron.state"); }},
  };
  for (const auto& [name, mutate] : mutations) {
    errno = 0;
    EXPECT_EQ(mutate(), -1) << name;
    EXPECT_EQ(name_of_errno(errno), "EROFS") << name;
  }
  EXPECT_EQ(read_file(share("file")), "content");
  EXPECT_THAT(differences(share(), mount_->root()), IsEmpty());
}

}  // namespace
}  // namespace nithronfs::test

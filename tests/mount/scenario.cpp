// The few system calls that mount tests share.
#include "scenario.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "nithronfs/util/unique_fd.hpp"

namespace nithronfs::test {

void forget_pages(int fd) {
  ASSERT_EQ(::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
}

void forget_pages(const fs::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(fd) << path;
  forget_pages(fd.get());
}

std::uint64_t inode_of(const fs::path& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace nithronfs::test

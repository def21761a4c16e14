// The lock on a database directory: flock on a file in it, checked for having been replaced.
#include "directory_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>

namespace nithronfs::store {
namespace {

constexpr const char* kLockName = "owner.lock";

Result<void> create_directories(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string prefix = path.substr(0, end);
    if (::mkdir(prefix.c_str(), 0700) != 0 && errno != EEXIST) {
      return fail(system_error(fmt::format("cannot create {}", prefix), errno));
    }
    if (end == std::string::npos) return {};
  }
}

bool is_file(int fd, int directory, const char* name) {
  struct stat by_fd{};
  struct stat by_name{};
  return ::fstat(fd, &by_fd) == 0 && ::fstatat(directory, name, &by_name, AT_SYMLINK_NOFOLLOW) == 0 &&
         by_fd.st_dev == by_name.st_dev && by_fd.st_ino == by_name.st_ino;
}

std::string holder(int fd) {
  std::array<char, 24> text{};
  const ssize_t length = ::pread(fd, text.data(), text.size(), 0);
  std::string pid;
  for (ssize_t i = 0; i < length && text[static_cast<std::size_t>(i)] >= '0'; ++i) {
    pid += text[static_cast<std::size_t>(i)];
  }
  return pid.empty() ? "another process" : "process " + pid;
}

// The pid is only for the message of whoever comes second, so a failure to write it does no harm.
void write_pid(int fd) {
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd, 0) == 0) {
    [[maybe_unused]] const ssize_t written = ::pwrite(fd, pid.data(), pid.size(), 0);
  }
}

}  // namespace

Result<std::shared_ptr<const DirectoryLock>> DirectoryLock::acquire(const std::string& directory) {
  if (directory.empty()) return fail(Errc::invalid_argument, "no database directory given");
  if (auto created = create_directories(directory); !created) return fail(created.error());
  UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail(system_error(fmt::format("cannot open {}", directory), errno));
  auto lock = std::shared_ptr<DirectoryLock>(new DirectoryLock(directory, std::move(fd)));

  // Between our open and our flock the file may have been deleted and made anew by a third party: then we
  // would hold a lock that nobody else sees.
  constexpr int kAttempts = 16;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    UniqueFd file(::openat(lock->directory_fd(), kLockName, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return fail(system_error(fmt::format("cannot open {}/{}", directory, kLockName), errno));
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) {
        return fail(Errc::busy, fmt::format("{} is in use by {}; unmount that one first or give this mount "
                                            "directories of its own",
                                            directory, holder(file.get())));
      }
      return fail(system_error(fmt::format("cannot lock {}", directory), errno));
    }
    if (is_file(file.get(), lock->directory_fd(), kLockName)) {
      write_pid(file.get());
      lock->lock_ = std::move(file);
      return lock;
    }
  }
  return fail(Errc::busy, fmt::format("{} is being deleted by somebody again and again", directory));
}

bool DirectoryLock::still_ours() const {
  return is_file(lock_.get(), directory_.get(), kLockName);
}

}  // namespace nithronfs::store

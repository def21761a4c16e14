// Mount points whose daemon died: found by the errno that the kernel gives there, and freed.
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "mount_table.hpp"
#include "nithronfs/fuse/session.hpp"

namespace nithronfs::fuse {
namespace {

bool unmount_as_user(const std::string& mountpoint) {
  std::string program = "fusermount3";
  std::string flags = "-uzq";
  std::string separator = "--";
  std::string target = mountpoint;
  std::array<char*, 5> arguments = {program.data(), flags.data(), separator.data(), target.data(), nullptr};
  pid_t child = 0;
  if (posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments.data(), environ) != 0) return false;
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

Result<void> prepare_mountpoint(const std::string& mountpoint) {
  struct stat info{};
  struct statvfs space{};
  // statvfs always reaches the daemon, and a living one answers it at once; stat may be answered by the
  // kernel for a daemon that is long dead.
  if (stat(mountpoint.c_str(), &info) == 0 && statvfs(mountpoint.c_str(), &space) == 0) {
    const auto mount = find_mount(mountpoint);
    if (mount && mount->type == "fuse.nithronfs") {
      return fail(Errc::busy, fmt::format("{} is mounted at {} already; unmount it first with \"umount {}\"",
                                          mount->source, mountpoint, mountpoint));
    }
    if (!S_ISDIR(info.st_mode)) {
      return fail(Errc::not_directory, fmt::format("cannot mount at {}: it is not a directory", mountpoint));
    }
    return {};
  }
  if (errno == ENOENT) {
    return fail(Errc::not_found,
                fmt::format("cannot mount at {}: it does not exist; create it with \"mkdir -p {}\"",
                            mountpoint, mountpoint));
  }
  if (errno != ENOTCONN) return fail(system_error("cannot mount at " + mountpoint, errno));
  const bool freed =
      geteuid() == 0 ? umount2(mountpoint.c_str(), MNT_DETACH) == 0 : unmount_as_user(mountpoint);
  if (!freed) {
    return fail(
        Errc::permission,
        fmt::format("{} belongs to a mount whose daemon is gone, and cannot be freed: run \"umount -l {}\" "
                    "as root",
                    mountpoint, mountpoint));
  }
  return prepare_mountpoint(mountpoint);
}

}  // namespace nithronfs::fuse

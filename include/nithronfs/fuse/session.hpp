// The door to the kernel: mounts, answers requests through vfs::Vfs, tells the kernel what to forget.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "nithronfs/util/result.hpp"
#include "nithronfs/util/seams.hpp"
#include "nithronfs/vfs/vfs.hpp"

namespace nithronfs::fuse {

struct MountOptions {
  std::string mountpoint;  // an existing directory, absolute
  std::string source;      // what mount(8) and df show: the URL
  bool allow_other = false;
  struct KernelFlags {
    bool no_exec = false;
    bool no_suid = true;
    bool no_dev = true;
    bool no_atime = false;
  } kernel;
};

// Makes sure that `mountpoint`, an absolute path, can be mounted at: frees what a daemon that died has left
// there (every access says ENOTCONN), refuses what is served by a living one. Errors: busy, not_found,
// not_directory, permission, io; each message says what to do.
[[nodiscard]] Result<void> prepare_mountpoint(const std::string& mountpoint);

class Session {
 public:
  // Mounts. The kernel's first request waits until run(). Errors: permission, busy, not_found, io; the
  // message says what to do (fuse group, user_allow_other, package).
  [[nodiscard]] static Result<std::unique_ptr<Session>> mount(vfs::Vfs& vfs, Seams seams,
                                                              MountOptions options);
  virtual ~Session() = default;

  // Serves until stop() or umount. `on_ready` is called once, on a worker, when the kernel has shaken hands
  // (INIT): from then on the mount answers. Takes over SIGUSR1.
  [[nodiscard]] virtual Result<void> run(std::function<void()> on_ready) = 0;
  // Ends run(), and returns when it has ended. From any other thread; safe to call twice.
  virtual void stop() = 0;
  // After run() and after everything that could still answer a request has ended.
  virtual void unmount() = 0;
};

}  // namespace nithronfs::fuse

// Puts files on disk in groups: whoever asks while a sync is running shares the next one with all others
// that asked meanwhile, so that many small uploads cost a few disk flushes instead of one each.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace refserver::dav {

class GroupSync {
 public:
  // Each returns 0 or errno.
  struct Calls {
    std::function<int(int fd)> one;          // makes one file or directory durable
    std::function<int(int fd)> file_system;  // makes everything on the file system of `fd` durable
  };

  static Calls disk();  // fsync(2) and syncfs(2)

  explicit GroupSync(Calls calls) : calls_(std::move(calls)) {}

  // Blocks until what was written to `fd` before the call is on disk. 0 or errno. A group is assumed to be on
  // one file system; a member that is not (told by `device`) is synced by itself.
  int sync(int fd, std::uint64_t device);

  // How many callers the next group has so far.
  int gathered();

 private:
  struct Group {
    std::uint64_t device = 0;
    int members = 0;
    bool done = false;
    int error = 0;
  };

  const Calls calls_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool running_ = false;              // guarded by mutex_
  std::shared_ptr<Group> gathering_;  // guarded by mutex_: those who wait for the running sync to end
};

}  // namespace refserver::dav

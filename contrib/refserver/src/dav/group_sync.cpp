// Group commit: the first of a group waits for the running sync, then syncs for all.
#include "group_sync.hpp"

#include <unistd.h>
#include <cerrno>

namespace refserver::dav {

GroupSync::Calls GroupSync::disk() {
  return {.one = [](int fd) { return ::fsync(fd) == 0 ? 0 : errno; },
          .file_system = [](int fd) { return ::syncfs(fd) == 0 ? 0 : errno; }};
}

int GroupSync::sync(int fd, std::uint64_t device) {
  std::unique_lock lock(mutex_);
  if (gathering_ && gathering_->device == device) {
    const auto group = gathering_;
    ++group->members;
    changed_.wait(lock, [&] { return group->done; });
    return group->error;
  }
  if (gathering_) {  // another file system gathers: no group to share
    lock.unlock();
    return calls_.one(fd);
  }

  const auto group = std::make_shared<Group>(Group{.device = device, .members = 1});
  gathering_ = group;
  changed_.wait(lock, [&] { return !running_; });
  gathering_.reset();  // from here on, newcomers may have written too late for this sync
  running_ = true;
  const bool alone = group->members == 1;
  lock.unlock();
  const int error = alone ? calls_.one(fd) : calls_.file_system(fd);
  lock.lock();
  running_ = false;
  group->done = true;
  group->error = error;
  changed_.notify_all();
  return error;
}

int GroupSync::gathered() {
  const std::lock_guard guard(mutex_);
  return gathering_ ? gathering_->members : 0;
}

}  // namespace refserver::dav

// A mutex that clang can check: what it guards is written beside the members, and -Wthread-safety holds us to
// it.
#pragma once

#include <mutex>

#if defined(__clang__)
#define NITHRONFS_TSA(x) __attribute__((x))
#else
#define NITHRONFS_TSA(x)
#endif
#define GUARDED_BY(mutex) NITHRONFS_TSA(guarded_by(mutex))
#define REQUIRES(mutex) NITHRONFS_TSA(requires_capability(mutex))
#define EXCLUDES(mutex) NITHRONFS_TSA(locks_excluded(mutex))

namespace nithronfs {

class NITHRONFS_TSA(capability("mutex")) Mutex {
 public:
  void lock() NITHRONFS_TSA(acquire_capability()) { mutex_.lock(); }
  void unlock() NITHRONFS_TSA(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

// Locked from construction to destruction, but for what lies between unlock() and lock().
class NITHRONFS_TSA(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) NITHRONFS_TSA(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() NITHRONFS_TSA(release_capability()) {
    if (locked_) mutex_.unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;
  void unlock() NITHRONFS_TSA(release_capability()) {
    locked_ = false;
    mutex_.unlock();
  }
  void lock() NITHRONFS_TSA(acquire_capability()) {
    mutex_.lock();
    locked_ = true;
  }

 private:
  Mutex& mutex_;
  bool locked_ = true;
};

}  // namespace nithronfs

// Tells the kernel what to forget, in the order that it needs (K4), from threads that hold nothing (K6).
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "lowlevel.hpp"
#include "nithronfs/util/mutex.hpp"
#include "nithronfs/util/seams.hpp"
#include "nithronfs/vfs/vfs.hpp"

namespace nithronfs::fuse {

// Where notifications go; the kernel, or a test's list.
class NotificationSink {
 public:
  virtual ~NotificationSink() = default;
  // Attributes and, for directories, the cached listing.
  virtual void forget_inode(vfs::NodeId node) = 0;
  virtual void forget_entry(vfs::NodeId directory, const std::string& name) = 0;
};

// enqueue() never blocks. Per directory one notifier works at a time and in order; what is added while it
// waits is merged. Bound: `max_names` in all queues together; beyond it names are dropped and only the
// directory itself is forgotten, which hides nothing new and leaves the drop to rule K3.
class Notifier final : public vfs::Observer {
 public:
  Notifier(NotificationSink& sink, Log& log, unsigned threads = 2);
  ~Notifier() override;
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  void changed(const tree::Changes& changes) override EXCLUDES(mutex_);
  // Ends the threads; what is queued is dropped.
  void stop() EXCLUDES(mutex_);

  static constexpr std::size_t max_names = 200'000;

 private:
  struct Pending {
    std::set<std::string> names;
    std::set<vfs::NodeId> attributes;
  };
  void run() EXCLUDES(mutex_);
  void deliver(vfs::NodeId directory, const Pending& pending);

  NotificationSink& sink_;
  Log& log_;

  Mutex mutex_;
  std::condition_variable_any wake_;
  std::map<vfs::NodeId, Pending> pending_ GUARDED_BY(mutex_);
  std::deque<vfs::NodeId> order_ GUARDED_BY(mutex_);  // directories in pending_ that no thread works on
  std::set<vfs::NodeId> in_work_ GUARDED_BY(mutex_);
  std::size_t names_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace nithronfs::fuse

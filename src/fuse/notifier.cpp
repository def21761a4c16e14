// Queues of what to forget, merged per directory.
#include "notifier.hpp"

#include <pthread.h>

#include <utility>

namespace nithronfs::fuse {

Notifier::Notifier(NotificationSink& sink, Log& log, unsigned threads) : sink_(sink), log_(log) {
  for (unsigned i = 0; i < threads; ++i) {
    auto& thread = threads_.emplace_back([this] { run(); });
    pthread_setname_np(thread.native_handle(), "notifier");
  }
}

Notifier::~Notifier() {
  stop();
}

void Notifier::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Notifier::changed(const tree::Changes& changes) {
  bool dropped = false;
  {
    const MutexLock lock(mutex_);
    const auto directory = changes.directory;
    auto [slot, added] = pending_.try_emplace(directory);
    for (const auto* names : {&changes.names, &changes.removed_directories}) {
      for (const auto& name : *names) {
        if (names_ >= max_names) {
          dropped = true;
          break;
        }
        if (slot->second.names.insert(name).second) ++names_;
      }
    }
    slot->second.attributes.insert(changes.attributes.begin(), changes.attributes.end());
    if (added && !in_work_.contains(directory)) order_.push_back(directory);
  }
  wake_.notify_one();
  if (dropped) {
    log_.warning("more than {} names changed at once: some keep their old attributes until they are opened",
                 max_names);
  }
}

void Notifier::run() {
  MutexLock lock(mutex_);
  while (true) {
    while (!stopping_ && order_.empty()) wake_.wait(lock);
    if (stopping_) return;
    const auto directory = order_.front();
    order_.pop_front();
    const auto work = std::move(pending_.extract(directory).mapped());
    names_ -= work.names.size();
    in_work_.insert(directory);
    lock.unlock();
    deliver(directory, work);
    lock.lock();
    in_work_.erase(directory);
    if (pending_.contains(directory)) {
      order_.push_back(directory);
      wake_.notify_one();
    }
  }
}

void Notifier::deliver(vfs::NodeId directory, const Pending& pending) {
  // The directory first: its new mtime is what makes a listing in flight go stale (K4).
  if (directory != vfs::NodeId::none) sink_.forget_inode(directory);
  for (const auto& name : pending.names) sink_.forget_entry(directory, name);
  for (const auto node : pending.attributes) sink_.forget_inode(node);
}

}  // namespace nithronfs::fuse

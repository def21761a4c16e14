// Follows what others do to a share's files, with inotify: one watch per directory, one thread per share.
//
// Where the system's limit of watches does not allow that, the share is scanned periodically instead.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "full_catalog.hpp"

namespace refserver {

class Watcher final : public DirectoryObserver {
 public:
  // Makes itself the observer of the catalog; start() before any request is served.
  Watcher(const Share& share, FullCatalog& catalog, std::chrono::seconds scan_interval);
  ~Watcher() override;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void start();  // scans the share, then follows it

  void directory_appeared(std::uint64_t id, const std::string& path) override;
  void directory_gone(std::uint64_t id) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Event {
    Slot slot;
    std::uint32_t mask = 0;
    std::uint32_t cookie = 0;
  };
  // A file that is being written produces an event per write: it is looked at once a second until closed.
  struct Busy {
    Clock::time_point last_look;
    bool again = false;
  };

  void run();
  bool drain(std::vector<Event>& events);  // true: events were lost
  std::vector<Sighting> digest(const std::vector<Event>& events);
  bool postponed(const Event& event);
  void add_due(std::vector<Sighting>& sightings);
  int next_timeout_ms(bool unsettled) const;
  void handle_round(bool readable, bool& unsettled);

  const Share& share_;
  FullCatalog& catalog_;
  const std::chrono::seconds scan_interval_;
  UniqueFd inotify_;
  UniqueFd stop_event_;

  std::mutex watches_mutex_;  // leaf; requests add watches while the thread looks them up
  std::unordered_map<int, std::uint64_t> directory_of_watch_;
  std::unordered_map<std::uint64_t, int> watch_of_directory_;
  bool incomplete_ = false;  // some directory has no watch

  std::map<Slot, Busy> busy_;    // the thread's own
  Clock::time_point last_scan_;  // the thread's own
  std::thread thread_;
};

}  // namespace refserver

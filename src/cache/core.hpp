// What every File of one cache shares.
#pragma once

#include <atomic>
#include <memory>

#include "data_directory.hpp"
#include "presence_index.hpp"

namespace nithronfs::cache {

class File;

// What a File asks of the cache as a whole. Implemented by BlockCache; thread-safe.
class Housekeeping {
 public:
  virtual ~Housekeeping() = default;
  // `file` has bytes that are not recorded yet.
  virtual void record_soon(std::shared_ptr<File> file) = 0;
  // Whether one more small file may stay in memory until it is recorded.
  [[nodiscard]] virtual bool may_stage() = 0;
  // A read waits, so somebody has to watch its deadline.
  virtual void watch_deadlines() = 0;
  // Makes room now, on this thread; false when nothing could go.
  virtual bool make_room() = 0;
  // `bytes` more, or fewer, are in the data directory.
  virtual void size_changed(std::int64_t bytes) = 0;
};

struct Core {
  Seams seams;
  DataDirectory directory;
  PresenceIndex index;
  Nanos timeout;
  Housekeeping& housekeeping;

  std::atomic<std::uint64_t> reads = 0;
  std::atomic<std::uint64_t> hits = 0;
  std::atomic<std::uint64_t> fetches = 0;
  std::atomic<std::uint64_t> bytes_fetched = 0;
  std::atomic<std::uint64_t> evicted_files = 0;
  std::atomic<bool> stopped = false;
  std::atomic<std::uint64_t> calls_running = 0;  // of the source; shutdown waits for them
};

}  // namespace nithronfs::cache

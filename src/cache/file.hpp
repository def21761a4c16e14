// One version of one file: which bytes are here, which are on their way, and who waits for them.
//
// Invariants, all under mutex_:
//  1. present_ holds only bytes that were written to the data file, or to staged_ while there is no data
//  file.
//  2. Every waiter's missing bytes are covered by fetches that are not abandoned.
//  3. Callbacks (ReadDone, fetch starts, cancellations) run without the mutex.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "core.hpp"
#include "fetch.hpp"
#include "nithronfs/util/mutex.hpp"
#include "readahead.hpp"

namespace nithronfs::cache {

class Stream {
 public:
  Stream(std::shared_ptr<File> file, std::uint64_t id) : file_(std::move(file)), id_(id) {}
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  [[nodiscard]] const std::shared_ptr<File>& file() const { return file_; }
  [[nodiscard]] std::uint64_t id() const { return id_; }

 private:
  friend class File;
  const std::shared_ptr<File> file_;
  const std::uint64_t id_;
  Readahead readahead_;  // guarded by the mutex of the File
};

class File final : public std::enable_shared_from_this<File> {
 public:
  File(Core& core, FileSpec spec, std::shared_ptr<Source> source);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void read(Stream& stream, std::uint64_t offset, std::size_t length, CancelToken interrupt, ReadDone done)
      EXCLUDES(mutex_);
  // The reader behind `stream` does not want what was fetched ahead for it.
  void end_readahead(std::uint64_t stream) EXCLUDES(mutex_);
  // Fails what waits since before its deadline; true while others wait.
  bool expire(SteadyTime now) EXCLUDES(mutex_);
  // Fails everything that waits and ends all fetches.
  void shut_down() EXCLUDES(mutex_);

  // Called by Fetch: bytes arrived.
  net::Flow accept(Fetch& fetch, std::uint64_t offset, std::span<const std::byte> bytes) EXCLUDES(mutex_);

  // The two halves of recording. What to flush, if anything: the descriptor stays open as long as the File.
  // Errors: the disk's; then nothing of it will be recorded.
  [[nodiscard]] Result<std::optional<int>> begin_recording() EXCLUDES(mutex_);
  // After the flush succeeded: the row to store.
  [[nodiscard]] PresenceRow recorded() EXCLUDES(mutex_);
  // After the row was stored.
  void finish_recording() EXCLUDES(mutex_);
  // The flush failed: what was to be recorded is not worth recording.
  void forget_unrecorded() EXCLUDES(mutex_);

  // Its bytes go when the last reference does.
  void doom() EXCLUDES(mutex_);
  [[nodiscard]] std::uint64_t cached_bytes() EXCLUDES(mutex_);
  [[nodiscard]] const FileSpec& spec() const { return spec_; }

 private:
  struct Waiter {
    std::uint64_t id = 0;
    Extent extent;
    SteadyTime deadline;
    ReadDone done;
    CancelToken::Registration registration;
  };
  using Waiters = std::list<Waiter>;
  // What to do after the mutex was released.
  struct Aftermath {
    std::vector<std::pair<Waiter, Slice>> answered;  // the slice counts when there is no error
    std::optional<Error> error;                      // for all of `answered`
    std::vector<std::shared_ptr<Fetch>> start;
    std::vector<std::shared_ptr<Fetch>> cancel;
  };

  [[nodiscard]] Result<void> load() REQUIRES(mutex_);
  void plan(Extent read, Stream& stream, bool hit, Aftermath& after) REQUIRES(mutex_);
  void fetch_gaps(Extent read, std::uint64_t goal, std::uint64_t stream, Aftermath& after) REQUIRES(mutex_);
  void fetch_ahead(Extent read, std::uint64_t goal, std::uint64_t stream, Aftermath& after) REQUIRES(mutex_);
  void add_fetch(const FetchSpec& spec, Aftermath& after) REQUIRES(mutex_);
  [[nodiscard]] std::uint64_t fetched_or_coming(std::uint64_t from) const REQUIRES(mutex_);
  [[nodiscard]] Extents coming_soon() const REQUIRES(mutex_);
  void abandon_readahead(std::uint64_t stream, Aftermath& after) REQUIRES(mutex_);
  void show(Extent extent, bool confirmed) REQUIRES(mutex_);
  void take_satisfied(Aftermath& after) REQUIRES(mutex_);
  void take_unreachable(const Error& error, Aftermath& after) REQUIRES(mutex_);
  void poison(Error error, Aftermath& after) REQUIRES(mutex_);

  void run(Aftermath after) EXCLUDES(mutex_);
  void start(const std::shared_ptr<Fetch>& fetch) EXCLUDES(mutex_);
  void ended(const std::shared_ptr<Fetch>& fetch, const Result<void>& outcome) EXCLUDES(mutex_);
  void failed(const Fetch& fetch, const Result<void>& outcome, Aftermath& after) REQUIRES(mutex_);
  void confirm(const std::shared_ptr<Fetch>& fetch) EXCLUDES(mutex_);
  void confirmed(const std::shared_ptr<Fetch>& fetch, const Extents& seen, const Result<void>& outcome)
      EXCLUDES(mutex_);
  void call_ended();
  void interrupt(std::uint64_t waiter) EXCLUDES(mutex_);
  [[nodiscard]] Result<void> put_on_disk() REQUIRES(mutex_);
  void answer(Aftermath& after, Waiters::iterator waiter) REQUIRES(mutex_);
  [[nodiscard]] Slice slice(Extent extent) const REQUIRES(mutex_);

  // Constant.
  Core& core_;
  const FileSpec spec_;
  const std::shared_ptr<Source> source_;

  Mutex mutex_;
  UniqueFd fd_ GUARDED_BY(mutex_);  // set once, by load() or begin_recording()
  // A small file that is not on the disk yet: making an inode costs more than fetching a kilobyte, so the
  // reader is answered from here and the disk follows when it is recorded.
  std::shared_ptr<std::string> staged_ GUARDED_BY(mutex_);
  bool loaded_ GUARDED_BY(mutex_) = false;
  bool complete_on_disk_ GUARDED_BY(mutex_) = false;  // carries the mark
  bool doomed_ GUARDED_BY(mutex_) = false;
  Extents present_ GUARDED_BY(mutex_);
  Extents unconfirmed_ GUARDED_BY(mutex_);          // in present_, not to be recorded yet (R8)
  Extents unrecorded_ GUARDED_BY(mutex_);           // in present_, not in the index yet
  Extents recording_ GUARDED_BY(mutex_);            // being flushed
  Extents recorded_ GUARDED_BY(mutex_);             // in the index
  std::optional<Error> poison_ GUARDED_BY(mutex_);  // this version is gone: nothing more will come
  std::list<std::shared_ptr<Fetch>> fetches_ GUARDED_BY(mutex_);
  Waiters waiters_ GUARDED_BY(mutex_);
  std::uint64_t last_waiter_ GUARDED_BY(mutex_) = 0;
};

}  // namespace nithronfs::cache

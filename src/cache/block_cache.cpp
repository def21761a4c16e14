// The cache as a whole: which files are open, recording, deadlines, and staying within the size.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <unordered_map>

#include "file.hpp"

namespace nithronfs::cache {
namespace {

// Bytes are flushed and recorded this long after they arrived: long enough to batch, short enough that a
// crash costs little.
constexpr Nanos record_delay = std::chrono::seconds(1);
// More open files than this waiting to be recorded are recorded at once: each holds a descriptor.
constexpr std::size_t max_unrecorded = 256;
constexpr Nanos deadline_interval = std::chrono::milliseconds(250);
// Eviction goes on until this share of the limit is free again, so that it does not run for every file.
constexpr std::uint64_t slack_divisor = 10;

struct KeyHash {
  std::size_t operator()(const DataKey& key) const {
    std::size_t value = 0;
    std::memcpy(&value, key.data(), sizeof value);  // a hash already
    return value;
  }
};

class BlockCacheImpl final : public BlockCache, private Housekeeping {
 public:
  explicit BlockCacheImpl(const CacheOptions& options)
      : options_(options),
        core_{.seams = options.seams,
              .directory = DataDirectory(options.directory),
              .index = PresenceIndex(options.index, options.first_table),
              .timeout = options.timeout,
              .housekeeping = *this} {}

  Result<void> prepare();

  std::shared_ptr<File> file(const FileSpec& spec, std::shared_ptr<Source> source) override;
  std::shared_ptr<Stream> stream(std::shared_ptr<File> file) override;
  void read(const std::shared_ptr<Stream>& stream, std::uint64_t offset, std::size_t length,
            CancelToken interrupt, ReadDone done) override {
    stream->file()->read(*stream, offset, length, std::move(interrupt), std::move(done));
  }
  std::uint64_t cached_bytes(const FileSpec& spec) const override;
  void discard(const DataKey& key) override;
  std::uint64_t total_bytes() const override {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(total_bytes_, 0));
  }
  CacheCounters counters() const override;
  bool busy() const override { return core_.calls_running > 0; }
  void shutdown() override;

 private:
  using FileMap = std::unordered_map<DataKey, std::weak_ptr<File>, KeyHash>;

  void record_soon(std::shared_ptr<File> file) override EXCLUDES(mutex_);
  bool may_stage() override EXCLUDES(mutex_);
  void watch_deadlines() override EXCLUDES(mutex_);
  bool make_room() override EXCLUDES(mutex_);
  void size_changed(std::int64_t bytes) override { total_bytes_ += bytes; }

  std::shared_ptr<File> open_file(const DataKey& key) const EXCLUDES(mutex_);
  std::vector<std::shared_ptr<File>> open_files() const EXCLUDES(mutex_);
  void expire_reads() EXCLUDES(mutex_);
  void record_all() EXCLUDES(mutex_);
  void keep_within_limits() EXCLUDES(mutex_);
  bool evict(std::uint64_t bytes) EXCLUDES(mutex_);
  void remove_strangers() EXCLUDES(mutex_);

  const CacheOptions options_;
  Core core_;
  std::atomic<std::int64_t> total_bytes_ = 0;
  std::atomic<std::uint64_t> last_stream_ = 0;
  Mutex recording_mutex_;  // one recorder at a time; taken before everything else

  mutable Mutex mutex_;  // a leaf: nothing is called with it
  FileMap files_ GUARDED_BY(mutex_);
  std::size_t purge_at_ GUARDED_BY(mutex_) = 1024;
  std::set<std::shared_ptr<File>> unrecorded_ GUARDED_BY(mutex_);
  bool record_planned_ GUARDED_BY(mutex_) = false;
  bool expiry_planned_ GUARDED_BY(mutex_) = false;
};

Result<void> BlockCacheImpl::prepare() {
  if (auto prepared = core_.directory.prepare(); !prepared) return prepared;
  const auto rows = core_.index.usage();
  if (!rows) return fail(rows.error());
  std::int64_t total = 0;
  for (const auto& row : *rows) total += static_cast<std::int64_t>(row.bytes);
  total_bytes_ = total;
  core_.seams.disk.post([this] { remove_strangers(); });
  return {};
}

std::shared_ptr<File> BlockCacheImpl::file(const FileSpec& spec, std::shared_ptr<Source> source) {
  const MutexLock lock(mutex_);
  auto& slot = files_[spec.key];
  if (auto open = slot.lock()) return open;
  auto file = std::make_shared<File>(core_, spec, std::move(source));
  slot = file;
  if (files_.size() >= purge_at_) {
    std::erase_if(files_, [](const auto& entry) { return entry.second.expired(); });
    purge_at_ = std::max<std::size_t>(1024, 2 * files_.size());
  }
  return file;
}

std::shared_ptr<Stream> BlockCacheImpl::stream(std::shared_ptr<File> file) {
  return std::make_shared<Stream>(std::move(file), ++last_stream_);
}

std::shared_ptr<File> BlockCacheImpl::open_file(const DataKey& key) const {
  const MutexLock lock(mutex_);
  const auto found = files_.find(key);
  return found == files_.end() ? nullptr : found->second.lock();
}

std::vector<std::shared_ptr<File>> BlockCacheImpl::open_files() const {
  std::vector<std::shared_ptr<File>> files;
  const MutexLock lock(mutex_);
  for (const auto& [key, weak] : files_) {
    if (auto file = weak.lock()) files.push_back(std::move(file));
  }
  return files;
}

std::uint64_t BlockCacheImpl::cached_bytes(const FileSpec& spec) const {
  if (const auto open = open_file(spec.key)) {
    if (const auto bytes = open->cached_bytes(); bytes > 0) return bytes;
  }
  const auto row = core_.index.load(spec.key, spec.size);
  return row && *row ? (*row)->total() : 0;
}

void BlockCacheImpl::discard(const DataKey& key) {
  if (const auto open = open_file(key)) return open->doom();
  core_.seams.disk.post([this, key] {
    core_.directory.remove(key);
    (void)core_.index.erase(std::span(&key, 1));  // a row without a file is found wanting at the next load
  });
}

CacheCounters BlockCacheImpl::counters() const {
  return {core_.reads, core_.hits, core_.fetches, core_.bytes_fetched, core_.evicted_files};
}

void BlockCacheImpl::shutdown() {
  core_.stopped = true;
  for (const auto& file : open_files()) file->shut_down();
  for (auto running = core_.calls_running.load(); running > 0; running = core_.calls_running) {
    core_.calls_running.wait(running);
  }
  record_all();
}

void BlockCacheImpl::record_soon(std::shared_ptr<File> file) {
  {
    const MutexLock lock(mutex_);
    unrecorded_.insert(std::move(file));
    const bool full = unrecorded_.size() == max_unrecorded;
    if (core_.stopped || (record_planned_ && !full)) return;
    record_planned_ = true;
    if (!full) {
      core_.seams.disk.post_at(core_.seams.clock.steady() + record_delay, [this] { record_all(); });
      return;
    }
  }
  core_.seams.disk.post([this] { record_all(); });
}

bool BlockCacheImpl::may_stage() {
  const MutexLock lock(mutex_);
  return unrecorded_.size() < 2 * max_unrecorded;
}

// Flush first, then the rows, then the marks: a power cut at any point loses blocks, never invents them.
void BlockCacheImpl::record_all() {
  const MutexLock one_at_a_time(recording_mutex_);
  std::set<std::shared_ptr<File>> batch;
  {
    const MutexLock lock(mutex_);
    batch.swap(unrecorded_);
    record_planned_ = false;
  }
  std::vector<std::pair<std::shared_ptr<File>, int>> to_flush;
  for (const auto& file : batch) {
    const auto fd = file->begin_recording();
    if (!fd) {
      core_.seams.log.warning("{}; the bytes will be fetched again", fd.error().message);
    } else if (*fd) {
      to_flush.emplace_back(file, **fd);
    }
  }
  // All writes are started before the first is waited for.
  for (const auto& [file, fd] : to_flush) ::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
  for (const auto& [file, fd] : to_flush) {
    if (::fdatasync(fd) == 0) continue;
    core_.seams.log.warning(
        "{}", system_error("cannot flush a cache file, its bytes will be fetched again", errno).message);
    file->forget_unrecorded();
  }
  std::vector<PresenceRow> rows;
  for (const auto& file : batch) {
    if (auto row = file->recorded(); !row.extents.empty()) rows.push_back(std::move(row));
  }
  if (!rows.empty()) {
    if (const auto stored = core_.index.store(rows); !stored) {
      core_.seams.log.warning("cannot record cached bytes, they will be fetched again after a restart: {}",
                              stored.error().message);
      return;
    }
  }
  for (const auto& file : batch) file->finish_recording();
  keep_within_limits();
}

void BlockCacheImpl::watch_deadlines() {
  {
    const MutexLock lock(mutex_);
    if (expiry_planned_ || core_.stopped) return;
    expiry_planned_ = true;
  }
  core_.seams.engine.post_at(core_.seams.clock.steady() + deadline_interval, [this] { expire_reads(); });
}

void BlockCacheImpl::expire_reads() {
  {
    const MutexLock lock(mutex_);
    expiry_planned_ = false;
  }
  const auto now = core_.seams.clock.steady();
  bool others = false;
  for (const auto& file : open_files()) others = file->expire(now) || others;
  if (others) watch_deadlines();
}

void BlockCacheImpl::keep_within_limits() {
  std::uint64_t excess = 0;
  if (const auto total = total_bytes(); total > options_.max_bytes) {
    excess = total - options_.max_bytes + options_.max_bytes / slack_divisor;
  }
  if (const auto free = core_.directory.free_bytes(); free && *free < options_.min_free_bytes) {
    excess = std::max(excess, options_.min_free_bytes - *free);
  }
  if (excess > 0) evict(excess);
}

bool BlockCacheImpl::make_room() {
  return evict(options_.max_bytes / slack_divisor);
}

// Whole files that nobody has open, used longest ago first. Unlinking cannot disturb a reply in flight: the
// pages belong to the inode, which lives as long as somebody holds it (K17).
bool BlockCacheImpl::evict(std::uint64_t bytes) {
  auto rows = core_.index.usage();
  if (!rows) return false;
  std::ranges::sort(*rows, {}, &UsageRow::last_use);
  std::vector<DataKey> gone;
  std::uint64_t freed = 0;
  for (const auto& row : *rows) {
    if (freed >= bytes) break;
    if (open_file(row.key)) continue;
    core_.directory.remove(row.key);
    gone.push_back(row.key);
    freed += row.bytes;
  }
  if (gone.empty()) return false;
  size_changed(-static_cast<std::int64_t>(freed));
  core_.evicted_files += gone.size();
  // Rows that stay behind are found wanting at the next load.
  (void)core_.index.erase(gone);
  return true;
}

// Files that neither the index nor their own mark speaks for: left by a crash, useless.
void BlockCacheImpl::remove_strangers() {
  for (const auto& key : core_.directory.list()) {
    if (core_.stopped) return;
    if (open_file(key) || core_.directory.has_any_mark(key)) continue;
    if (const auto known = core_.index.has(key); known && !*known && !open_file(key))
      core_.directory.remove(key);
  }
}

}  // namespace

std::vector<std::string> BlockCache::table_names() {
  return {"present"};
}

Result<std::unique_ptr<BlockCache>> BlockCache::open(const CacheOptions& options) {
  auto cache = std::make_unique<BlockCacheImpl>(options);
  if (auto prepared = cache->prepare(); !prepared) return fail(prepared.error());
  return cache;
}

}  // namespace nithronfs::cache

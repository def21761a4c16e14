// The catalog of profile full: versions by write counter, a journal, and the feed that pages through it.
//
// Thread-safe. Locks: `writing_` is held for every change of the database (a Mutation holds it for its life);
// `feed_mutex_` is a leaf that guards what waiting readers look at.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <span>

#include "catalog_batch.hpp"

namespace refserver {

// What the watcher saw in a directory. With `to` it is a rename within the share.
struct Sighting {
  Slot slot;
  CatalogBatch::Absence absence = CatalogBatch::Absence::pending;
  std::optional<Slot> to;
};

class FullCatalog final : public Catalog {
 public:
  FullCatalog(const Share& share, const std::filesystem::path& directory, std::size_t journal_limit);

  std::unique_ptr<Mutation> mutate() override;
  std::string etag(std::string_view path, const struct stat& now) override;
  OrErrno<FileHash> hash(std::string_view path, std::uint64_t block_size) override;

  // --- The feed ---
  struct FeedChange {
    Change change;
    std::string etag;
    std::string sha256;  // where it is known already
  };
  struct Page {
    std::vector<FeedChange> changes;
    std::string cursor;
    bool has_more = false;
  };
  enum class FeedError { cursor_expired };
  // An empty cursor starts with everything that exists now, as creations; "now" gives an empty page. Waits up
  // to `wait` while there is nothing to report.
  std::expected<Page, FeedError> changes(std::string_view cursor, std::size_t limit,
                                         std::chrono::milliseconds wait);

  struct Totals {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
  };
  Totals totals() const;
  // SHA-256 of exactly this version if it was computed before, else empty.
  std::string known_sha256(std::string_view path, const struct stat& now) const;

  // --- For the watcher ---
  void observe(DirectoryObserver* observer) { observer_ = observer; }  // before scan()
  void scan();                                                         // compares the whole share
  // Returns true while directories are left that have to be looked at again soon.
  bool settle(std::span<const Sighting> sightings);
  bool wants_scan() const { return wants_scan_.load(); }  // a change could not be recorded

  // Ends all waiting, for good.
  void stop();

 private:
  class OwnMutation;

  std::string transient_tag() const;
  std::expected<Page, FeedError> read_journal(std::uint64_t seq, std::size_t limit) const;
  Page read_existing(std::uint64_t start_seq, std::uint64_t after_id, std::size_t limit) const;
  std::string feed_cursor(std::uint64_t seq) const;
  void commit(CatalogBatch& batch);

  const Share& share_;
  const std::size_t journal_limit_;
  CatalogStore store_;
  DirectoryObserver* observer_ = nullptr;
  std::atomic<bool> wants_scan_ = false;

  std::mutex writing_;
  std::set<std::uint64_t> unsettled_;  // directories to scan again; guarded by writing_

  std::mutex feed_mutex_;
  std::condition_variable feed_grew_;
  std::uint64_t last_seq_ = 0;  // guarded by feed_mutex_
  bool stopping_ = false;       // guarded by feed_mutex_
};

}  // namespace refserver

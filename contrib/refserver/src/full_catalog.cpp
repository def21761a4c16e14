// Versions, hashes and feed of profile full.
#include "full_catalog.hpp"

#include <fcntl.h>

#include <cerrno>
#include <charconv>
#include <cstdio>

#include <fmt/format.h>

#include "crypto.hpp"
#include "encoding.hpp"
#include "file_hash.hpp"

namespace refserver {
namespace {

constexpr std::size_t scan_commit_every = 20000;
constexpr int hash_attempts = 3;

// "<generation>.<seq>" reads on in the journal; "<generation>.<seq>.<id>" is still listing what existed when
// the journal was at seq, and has come to node id. Numbers are hexadecimal.
struct Position {
  std::uint64_t seq = 0;
  std::optional<std::uint64_t> listed_id;
};

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Position> parse_cursor(std::string_view cursor, std::string_view generation) {
  if (!cursor.starts_with(generation) || cursor.size() <= generation.size() ||
      cursor[generation.size()] != '.') {
    return std::nullopt;
  }
  cursor.remove_prefix(generation.size() + 1);
  auto dot = cursor.find('.');
  auto seq = parse_number(cursor.substr(0, dot));
  if (!seq) return std::nullopt;
  if (dot == std::string_view::npos) return Position{*seq, std::nullopt};
  auto id = parse_number(cursor.substr(dot + 1));
  if (!id) return std::nullopt;
  return Position{*seq, *id};
}

}  // namespace

// Holds the write lock and one transaction. The transaction opens with the first report and is committed at
// the end of the mutation's life, so that many reports cost one commit.
class FullCatalog::OwnMutation final : public Catalog::Mutation {
 public:
  explicit OwnMutation(FullCatalog& catalog) : catalog_(catalog), lock_(catalog.writing_) {}

  ~OwnMutation() override {
    if (!batch_) return;
    try {
      batch_->scan_queued(CatalogBatch::Depth::new_only);
      catalog_.commit(*batch_);
    } catch (const std::exception& error) {
      // The disk has the change, the journal has not: a scan will find it.
      fmt::print(stderr, "share {}: {}; the share will be scanned\n", catalog_.share_.name, error.what());
      catalog_.wants_scan_ = true;
    }
  }

  std::uint64_t created(std::string_view path, const struct stat& now) override {
    return batch().created(path, now);
  }
  std::uint64_t modified(std::string_view path, const struct stat& now) override {
    return batch().modified(path, now);
  }
  std::uint64_t removed(std::string_view path) override { return batch().removed(path); }
  std::uint64_t renamed(std::string_view from, std::string_view to, const struct stat& now) override {
    return batch().renamed(from, to, now);
  }

  std::string etag(std::string_view path, const struct stat& now) override {
    if (!S_ISREG(now.st_mode)) return {};
    auto seen = Fingerprint::of(now);
    auto node = catalog_.store_.node_at(batch().transaction(), path);
    if (!node || node->seen != seen) {
      batch().settle_path(path);
      node = catalog_.store_.node_at(batch().transaction(), path);
    }
    return node && node->seen == seen ? catalog_.store_.tag(*node) : catalog_.transient_tag();
  }

 private:
  CatalogBatch& batch() {
    if (!batch_) batch_.emplace(catalog_.store_, catalog_.share_, catalog_.observer_);
    return *batch_;
  }

  FullCatalog& catalog_;
  std::unique_lock<std::mutex> lock_;
  std::optional<CatalogBatch> batch_;
};

FullCatalog::FullCatalog(const Share& share, const std::filesystem::path& directory,
                         std::size_t journal_limit)
    : share_(share), journal_limit_(journal_limit), store_(directory) {
  Transaction txn(store_.database(), Transaction::Kind::read);
  last_seq_ = store_.counters(txn).last_seq;
}

std::unique_ptr<Catalog::Mutation> FullCatalog::mutate() {
  return std::make_unique<OwnMutation>(*this);
}

void FullCatalog::commit(CatalogBatch& batch) {
  auto seq = batch.last_seq();
  batch.commit(journal_limit_);
  {
    std::lock_guard lock(feed_mutex_);
    if (seq == last_seq_) return;
    last_seq_ = seq;
  }
  feed_grew_.notify_all();
}

// --- Versions and hashes ------------------------------------------------------------------------------

std::string FullCatalog::transient_tag() const {
  return fmt::format("t-{}", hex(random_bytes(12)));
}

std::string FullCatalog::etag(std::string_view path, const struct stat& now) {
  if (!S_ISREG(now.st_mode)) return {};
  auto seen = Fingerprint::of(now);
  {
    Transaction txn(store_.database(), Transaction::Kind::read);
    auto node = store_.node_at(txn, path);
    if (node && node->seen == seen) return store_.tag(*node);
  }
  return mutate()->etag(path, now);
}

OrErrno<FileHash> FullCatalog::hash(std::string_view path, std::uint64_t block_size) {
  for (int attempt = 0; attempt < hash_attempts; ++attempt) {
    auto fd = open_beneath(share_, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    if (!fd) return std::unexpected(fd.error());
    struct stat before{};
    if (::fstat(fd->get(), &before) != 0) return std::unexpected(errno);
    if (!S_ISREG(before.st_mode)) return std::unexpected(EISDIR);
    auto tag = etag(path, before);
    {
      Transaction txn(store_.database(), Transaction::Kind::read);
      auto node = store_.node_at(txn, path);
      if (node && store_.tag(*node) == tag) {
        if (auto known = store_.find_hash(txn, *node, block_size)) return std::move(*known);
      }
    }
    auto fresh = hash_file(fd->get(), static_cast<std::uint64_t>(before.st_size), block_size);
    struct stat after{};
    if (::fstat(fd->get(), &after) != 0) return std::unexpected(errno);
    bool stable = Fingerprint::of(before) == Fingerprint::of(after);
    if (!fresh && (stable || fresh.error() != EAGAIN)) return std::unexpected(fresh.error());
    if (!stable) continue;
    fresh->etag = tag;
    std::lock_guard lock(writing_);
    Transaction txn(store_.database(), Transaction::Kind::write);
    auto node = store_.node_at(txn, path);
    if (!node || store_.tag(*node) != tag) continue;
    store_.put_hash(txn, *node, *fresh);
    txn.commit();
    return fresh;
  }
  return std::unexpected(EAGAIN);
}

std::string FullCatalog::known_sha256(std::string_view path, const struct stat& now) const {
  Transaction txn(store_.database(), Transaction::Kind::read);
  auto node = store_.node_at(txn, path);
  if (!node || node->seen != Fingerprint::of(now)) return {};
  return store_.find_sha256(txn, *node).value_or("");
}

FullCatalog::Totals FullCatalog::totals() const {
  Transaction txn(store_.database(), Transaction::Kind::read);
  auto counters = store_.counters(txn);
  return {counters.files, counters.bytes};
}

// --- Feed ---------------------------------------------------------------------------------------------

std::string FullCatalog::feed_cursor(std::uint64_t seq) const {
  return fmt::format("{}.{:x}", store_.generation(), seq);
}

std::expected<FullCatalog::Page, FullCatalog::FeedError> FullCatalog::changes(
    std::string_view cursor, std::size_t limit, std::chrono::milliseconds wait) {
  Position position;
  if (cursor.empty() || cursor == "now") {
    Transaction txn(store_.database(), Transaction::Kind::read);
    position.seq = store_.counters(txn).last_seq;
    if (cursor == "now") return Page{{}, feed_cursor(position.seq), false};
    position.listed_id = root_id;
  } else {
    auto parsed = parse_cursor(cursor, store_.generation());
    if (!parsed) return std::unexpected(FeedError::cursor_expired);
    position = *parsed;
  }
  if (position.listed_id) return read_existing(position.seq, *position.listed_id, limit);
  auto page = read_journal(position.seq, limit);
  if (!page || !page->changes.empty() || wait.count() <= 0) return page;
  {
    std::unique_lock lock(feed_mutex_);
    feed_grew_.wait_for(lock, wait, [&] { return stopping_ || last_seq_ > position.seq; });
  }
  return read_journal(position.seq, limit);
}

std::expected<FullCatalog::Page, FullCatalog::FeedError> FullCatalog::read_journal(std::uint64_t seq,
                                                                                   std::size_t limit) const {
  Transaction txn(store_.database(), Transaction::Kind::read);
  if (seq < store_.journal_floor(txn) || seq > store_.counters(txn).last_seq) {
    return std::unexpected(FeedError::cursor_expired);
  }
  auto changes = store_.changes_after(txn, seq, limit + 1);
  Page page;
  page.has_more = changes.size() > limit;
  if (page.has_more) changes.pop_back();
  page.cursor = feed_cursor(changes.empty() ? seq : changes.back().seq);
  for (auto& change : changes) {
    auto sha = change.node.is_dir() ? std::nullopt : store_.find_sha256(txn, change.node);
    auto tag = store_.tag(change.node);
    page.changes.push_back({std::move(change), std::move(tag), sha.value_or("")});
  }
  return page;
}

FullCatalog::Page FullCatalog::read_existing(std::uint64_t start_seq, std::uint64_t after_id,
                                             std::size_t limit) const {
  Transaction txn(store_.database(), Transaction::Kind::read);
  auto ids = store_.ids_after(txn, after_id, limit);
  Page page;
  page.has_more = ids.size() == limit;
  for (auto id : ids) {
    auto path = store_.path_of(txn, id);
    auto node = store_.node_by_id(txn, id);
    if (!path || !node || hidden_from_feed(share_, *path)) continue;
    auto sha = node->is_dir() ? std::nullopt : store_.find_sha256(txn, *node);
    page.changes.push_back({Change{start_seq, ChangeKind::create, std::move(*path), {}, *node},
                            store_.tag(*node), sha.value_or("")});
  }
  page.cursor =
      page.has_more ? fmt::format("{}.{:x}", feed_cursor(start_seq), ids.back()) : feed_cursor(start_seq);
  return page;
}

void FullCatalog::stop() {
  {
    std::lock_guard lock(feed_mutex_);
    stopping_ = true;
  }
  feed_grew_.notify_all();
}

// --- Watching -----------------------------------------------------------------------------------------

void FullCatalog::scan() {
  wants_scan_ = false;
  bool first_time = false;
  {
    Transaction txn(store_.database(), Transaction::Kind::read);
    auto counters = store_.counters(txn);
    first_time = counters.last_id == root_id && counters.last_seq == 0;
  }
  auto journal = first_time ? CatalogBatch::Journal::skip : CatalogBatch::Journal::write;
  std::deque<std::uint64_t> queue{root_id};
  if (observer_ != nullptr) observer_->directory_appeared(root_id, "");
  while (!queue.empty()) {
    std::lock_guard lock(writing_);
    CatalogBatch batch(store_, share_, observer_, journal);
    batch.queue(std::move(queue));
    // What moved in the meantime is reported by the watcher, or found by the next scan.
    batch.scan_queued(CatalogBatch::Depth::everything, scan_commit_every);
    queue = batch.take_queue();
    commit(batch);
  }
}

bool FullCatalog::settle(std::span<const Sighting> sightings) {
  std::lock_guard lock(writing_);
  CatalogBatch batch(store_, share_, observer_);
  for (const auto& sighting : sightings) {
    bool settled = sighting.to ? batch.settle_rename(sighting.slot, *sighting.to)
                               : batch.settle_slot(sighting.slot, sighting.absence);
    if (settled) continue;
    unsettled_.insert(sighting.slot.parent);
    if (sighting.to) unsettled_.insert(sighting.to->parent);
  }
  batch.scan_queued(CatalogBatch::Depth::new_only);
  std::erase_if(unsettled_,
                [&](std::uint64_t id) { return batch.scan_directory(id, CatalogBatch::Depth::new_only); });
  batch.scan_queued(CatalogBatch::Depth::new_only);
  if (batch.change_count() > 0) commit(batch);
  return !unsettled_.empty();
}

}  // namespace refserver

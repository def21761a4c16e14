// A listing in batches of bounded transactions: rows as they come, removals only at its end.
#include "listing.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "directory_editor.hpp"
#include "names.hpp"
#include "reader.hpp"
#include "removal.hpp"

namespace nithronfs::tree {
namespace {

constexpr std::size_t kRowsPerCommit = 4096;  // bounds how long others wait for the writer lock
constexpr std::size_t kRowsPerScan = 16'384;  // the same, for rows that are only looked at
constexpr std::size_t kRemovalsPerCommit = 1024;

struct Unseen {
  std::uint64_t offset;
  NodeId node;
};

struct Scan {
  std::vector<Unseen> unseen;
  std::uint64_t last = 0;  // goes on behind this offset
  bool more = false;
};

Result<Scan> scan_unseen(const store::ReadTxn& txn, const Tables& tables, const ActiveListing& listing,
                         std::uint64_t after) {
  const OffsetKey from(listing.directory, after + 1);
  const std::string_view prefix = from.view().substr(0, 8);
  Scan scan;
  store::Cursor cursor(txn, tables.offsets);
  auto row = cursor.seek(from.view());
  for (std::size_t rows = 0; row && *row && (*row)->key.starts_with(prefix); row = cursor.next(), ++rows) {
    if (rows == kRowsPerScan || scan.unseen.size() == kRemovalsPerCommit) {
      scan.more = true;
      return scan;
    }
    auto offset = decode_offset((*row)->key);
    if (!offset) return fail(offset.error());
    auto node = decode_node((*row)->value);
    if (!node) return fail(node.error());
    scan.last = *offset;
    if (!listing.settled.contains(*offset)) scan.unseen.push_back({*offset, *node});
  }
  if (!row) return fail(row.error());
  return scan;
}

class ListingUpdateImpl final : public ListingUpdate {
 public:
  ListingUpdateImpl(Core& core, NodeId directory, Location where, bool first)
      : core_(core), where_(std::move(where)), first_(first) {
    listing_.directory = directory;
    const MutexLock lock(core_.writer);
    core_.listings.begin(listing_);
  }
  ~ListingUpdateImpl() override {
    const MutexLock lock(core_.writer);
    core_.listings.end(listing_);
  }
  ListingUpdateImpl(const ListingUpdateImpl&) = delete;
  ListingUpdateImpl& operator=(const ListingUpdateImpl&) = delete;

  Result<void> add(std::span<const remote::Entry> entries) override;
  Result<Changes> finish(const remote::Entry& self, WallTime now) override;
  Changes take_changes() override { return std::exchange(changes_, {}); }

 private:
  [[nodiscard]] Result<void> add_batch(std::span<const remote::Entry> entries);
  [[nodiscard]] Result<DirectoryEditor> edit(store::WriteTxn& txn, Changes& changes) REQUIRES(core_.writer);
  // One transaction's worth behind `after`, which it moves; false at the end.
  [[nodiscard]] Result<bool> remove_unseen(std::uint64_t& after);
  [[nodiscard]] Result<void> complete(const remote::Entry& self, WallTime now);

  Core& core_;
  const std::optional<Location> where_;
  const bool first_;  // nobody has seen anything of this directory yet
  ActiveListing listing_ GUARDED_BY(core_.writer);
  Changes changes_;  // committed, not reported
};

Result<DirectoryEditor> ListingUpdateImpl::edit(store::WriteTxn& txn, Changes& changes) {
  auto editor = DirectoryEditor::load(core_, txn, listing_.directory, where_, changes);
  if (editor && first_) editor->first_listing();
  return editor;
}

Result<void> ListingUpdateImpl::add(std::span<const remote::Entry> entries) {
  while (!entries.empty()) {
    const auto batch = entries.first(std::min(entries.size(), kRowsPerCommit));
    const std::size_t removed_before = changes_.removed_directories.size();
    if (auto added = add_batch(batch); !added) return added;
    if (changes_.removed_directories.size() != removed_before) {
      if (auto below = take_down_removed(core_, changes_); !below) return below;
    }
    entries = entries.subspan(batch.size());
  }
  return {};
}

Result<void> ListingUpdateImpl::add_batch(std::span<const remote::Entry> entries) {
  const MutexLock lock(core_.writer);
  if (listing_.overtaken) return {};
  Changes changes;
  std::vector<std::uint64_t> seen;
  seen.reserve(entries.size());
  store::WriteTxn txn = core_.index.write();
  auto editor = edit(txn, changes);
  if (!editor) return fail(editor.error());
  for (const remote::Entry& entry : entries) {
    if (!is_file_name(entry.name))
      return fail(Errc::bad_name, "the listing has a name that Linux cannot hold");
    auto offset = editor->apply(entry, &listing_.settled, std::nullopt);
    if (!offset) return fail(offset.error());
    seen.push_back(*offset);
  }
  editor->mark_listed_partially();
  if (auto saved = editor->save(); !saved) return saved;
  if (auto committed = txn.commit(); !committed) return committed;
  core_.listings.settle(listing_.directory, seen, listing_.begun);
  merge(changes_, std::move(changes));
  return {};
}

Result<bool> ListingUpdateImpl::remove_unseen(std::uint64_t& after) {
  const MutexLock lock(core_.writer);
  if (listing_.overtaken) return false;
  Changes changes;
  store::WriteTxn txn = core_.index.write();
  auto editor = edit(txn, changes);
  if (!editor) return fail(editor.error());
  const auto scan = scan_unseen(txn, core_.tables, listing_, after);
  if (!scan) return fail(scan.error());
  after = scan->last;
  if (scan->unseen.empty()) return scan->more;
  for (const Unseen& row : scan->unseen) {
    if (auto removed = editor->remove(row.node, row.offset); !removed) return fail(removed.error());
  }
  if (auto saved = editor->save(); !saved) return fail(saved.error());
  if (auto committed = txn.commit(); !committed) return fail(committed.error());
  merge(changes_, std::move(changes));
  return scan->more;
}

Result<void> ListingUpdateImpl::complete(const remote::Entry& self, WallTime now) {
  const MutexLock lock(core_.writer);
  if (listing_.overtaken) return {};
  Changes changes;
  store::WriteTxn txn = core_.index.write();
  auto editor = edit(txn, changes);
  if (!editor) return fail(editor.error());
  editor->mark_complete(now);
  editor->update_self(self, now);
  if (auto saved = editor->save(); !saved) return saved;
  if (auto committed = txn.commit(); !committed) return committed;
  core_.listings.overtake(listing_.directory, listing_.begun);
  merge(changes_, std::move(changes));
  return {};
}

Result<Changes> ListingUpdateImpl::finish(const remote::Entry& self, WallTime now) {
  if (self.kind != remote::Kind::directory) {
    return fail(Errc::protocol, "the server listed something that it calls a file");
  }
  std::uint64_t after = 0;
  for (;;) {
    const auto more = remove_unseen(after);
    if (!more) return fail(more.error());
    if (!*more) break;
  }
  if (auto completed = complete(self, now); !completed) return fail(completed.error());
  if (!changes_.removed_directories.empty()) {
    // On failure the names are gone all the same and have to be reported; the rest is taken down with the
    // next removal, or at the next open.
    [[maybe_unused]] const auto below = take_down_removed(core_, changes_);
  }
  std::ranges::sort(changes_.attributes);
  const auto repeated = std::ranges::unique(changes_.attributes);
  changes_.attributes.erase(repeated.begin(), repeated.end());
  return take_changes();
}

}  // namespace

Result<std::unique_ptr<ListingUpdate>> begin_listing(Core& core, NodeId directory) {
  const store::ReadTxn txn = core.index.read();
  const TreeReader reader(txn, core.tables);
  InodeRow row;
  if (auto found = reader.inode(directory, row); !found) return fail(found.error());
  if (row.inode.superseded) return fail(Errc::stale, "this directory was removed");
  if (row.inode.kind != remote::Kind::directory) return fail(Errc::not_directory, "this is a file");
  auto where = reader.location(directory);
  if (!where && where.error().code == Errc::not_found) {
    return fail(Errc::invalid_argument, "the shares are not a listing");
  }
  if (!where) return fail(where.error());
  const auto known = reader.listing(directory);
  if (!known) return fail(known.error());
  const bool first = !*known || (*known)->state.listing == DirectoryState::Listing::never;
  return std::make_unique<ListingUpdateImpl>(core, directory, *std::move(where), first);
}

}  // namespace nithronfs::tree

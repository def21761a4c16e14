// One directory being changed inside one write transaction: the only place that writes names, and so the only
// one that keeps inode, dentry, offset and directory rows in agreement.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core.hpp"
#include "reader.hpp"

namespace nithronfs::tree {

class DirectoryEditor {
 public:
  // `where`: the directory on the server; nothing for the directory of all shares. What happens is added to
  // `changes`. All references, and the lock, outlive the editor. Errors: stale (unknown or removed),
  // not_directory.
  [[nodiscard]] static Result<DirectoryEditor> load(Core& core, store::WriteTxn& txn, NodeId directory,
                                                    const std::optional<Location>& where, Changes& changes)
      REQUIRES(core.writer);

  // While nobody was told that the directory is empty of anything, new names change no answer: they are not
  // reported and do not move its mtime, which so stays the server's. For the first listing of a directory.
  void first_listing() { silent_additions_ = listing_.state.listing != DirectoryState::Listing::complete; }
  // Names were asked from the server, so the directory is known in part at least.
  void mark_listed_partially();
  // Names came, went or changed so far.
  [[nodiscard]] bool changed() const { return listing_dirty_ || names_moved_; }

  // Brings the name to what `entry` says: adds it, replaces it (another version or kind), or updates it in
  // place; returns its offset. Does nothing for a name whose offset is in `settled`. `verified`: when this
  // very entry was asked for.
  [[nodiscard]] Result<std::uint64_t> apply(const remote::Entry& entry, const OffsetSet* settled,
                                            std::optional<WallTime> verified);
  // A name for the root of a share.
  [[nodiscard]] Result<void> add_share(const remote::Share& share, std::string_view name);
  // A share's root changes its name in two steps, and stays the same node. `offset`: of the old name.
  [[nodiscard]] Result<void> detach_share(NodeId node, std::uint64_t offset);
  [[nodiscard]] Result<void> attach_share(NodeId node, std::string_view name);
  // Takes the name away. What was below a directory goes in take_down_removed().
  [[nodiscard]] Result<void> remove(NodeId child, std::uint64_t offset);

  // The directory's own attributes, to be brought to `self` by save().
  void update_self(const remote::Entry& self, std::optional<WallTime> verified);
  void mark_complete(WallTime now);

  // Writes the directory's own rows; last.
  [[nodiscard]] Result<void> save();

 private:
  DirectoryEditor(Core& core, store::WriteTxn& txn, NodeId directory, const std::optional<Location>& where,
                  Changes& changes) REQUIRES(core.writer)
      : tables_(core.tables),
        ids_(core.ids),
        hasher_(core.hasher),
        txn_(txn),
        reader_(txn, core.tables),
        directory_(directory),
        where_(where),
        changes_(changes) {}

  [[nodiscard]] Result<void> add(const remote::Entry& entry, std::uint64_t offset,
                                 std::optional<WallTime> verified);
  [[nodiscard]] Result<void> replace(const remote::Entry& entry, const DentryRow& dentry,
                                     std::optional<WallTime> verified);
  [[nodiscard]] Result<void> insert(InodeRow& row, std::uint64_t offset);
  // At the next free offset, or at the offset of the name that it replaces.
  [[nodiscard]] Result<void> give_name(NodeId node, std::string_view name, std::uint64_t offset);
  [[nodiscard]] Result<void> erase_name(std::uint64_t offset, std::string_view name);
  [[nodiscard]] Result<void> put_inode(const InodeRow& row);
  [[nodiscard]] Result<void> update_file(const remote::Entry& entry, std::optional<WallTime> verified);
  [[nodiscard]] Result<void> update_directory(const remote::Entry& entry, std::optional<WallTime> verified);
  void name_changed(std::string_view name);

  const Tables& tables_;
  NodeIds& ids_;
  IdentityHasher& hasher_;
  store::WriteTxn& txn_;
  TreeReader reader_;
  const NodeId directory_;
  const std::optional<Location>& where_;
  Changes& changes_;

  ListingRow listing_;
  bool listing_dirty_ = false;
  bool newly_complete_ = false;
  bool silent_additions_ = false;
  bool names_moved_ = false;  // the mtime has to advance (K4)
  const remote::Entry* self_ = nullptr;
  std::optional<WallTime> self_verified_;
  InodeRow row_;         // reused
  std::string encoded_;  // reused
};

// Marks the inode as gone from its name; its row stays until the kernel forgets it. A directory is queued for
// take_down_removed(). `row` must not be used afterwards.
[[nodiscard]] Result<void> supersede(const Tables& tables, store::WriteTxn& txn, InodeRow& row,
                                     std::string& scratch, Changes& changes);

// Adds to a row of Tables::meta.
[[nodiscard]] Result<void> count(const Tables& tables, store::WriteTxn& txn, std::string_view counter,
                                 std::int64_t by);

}  // namespace nithronfs::tree

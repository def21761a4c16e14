// Names of one directory: added, replaced, updated, removed, with all their rows.
#include "directory_editor.hpp"

#include <algorithm>

namespace nithronfs::tree {
namespace {

std::string_view view(const auto& bytes) {
  return {bytes.data(), bytes.size()};
}

std::optional<std::uint32_t> permission_bits(std::optional<std::uint32_t> mode) {
  if (mode) *mode &= 07777U;
  return mode;
}

// Takes over a mode that the source knows and that is another one.
bool update_mode(Inode& inode, const remote::Entry& entry) {
  const auto fresh = permission_bits(entry.mode);
  if (!fresh || fresh == inode.mode) return false;
  inode.mode = fresh;
  return true;
}

Timestamp a_nanosecond_later(Timestamp time) {
  if (++time.nanoseconds == 1'000'000'000U) {
    time.nanoseconds = 0;
    ++time.seconds;
  }
  return time;
}

}  // namespace

Result<DirectoryEditor> DirectoryEditor::load(Core& core, store::WriteTxn& txn, NodeId directory,
                                              const std::optional<Location>& where, Changes& changes) {
  DirectoryEditor editor(core, txn, directory, where, changes);
  if (auto found = editor.reader_.inode(directory, editor.row_); !found) return fail(found.error());
  if (editor.row_.inode.kind != remote::Kind::directory) {
    return fail(Errc::not_directory, "this is a file, not a directory");
  }
  if (editor.row_.inode.superseded) return fail(Errc::stale, "this directory was removed");
  auto listing = editor.reader_.listing(directory);
  if (!listing) return fail(listing.error());
  editor.listing_ = listing->value_or(ListingRow());
  changes.directory = directory;
  return editor;
}

void DirectoryEditor::mark_listed_partially() {
  if (listing_.state.listing != DirectoryState::Listing::never) return;
  listing_.state.listing = DirectoryState::Listing::partial;
  listing_dirty_ = true;
}

void DirectoryEditor::name_changed(std::string_view name) {
  names_moved_ = true;
  changes_.names.emplace_back(name);
}

Result<std::uint64_t> DirectoryEditor::apply(const remote::Entry& entry, const OffsetSet* settled,
                                             std::optional<WallTime> verified) {
  auto dentry = reader_.dentry(directory_, entry.name);
  if (!dentry) return fail(dentry.error());
  if (!*dentry) {
    const std::uint64_t offset = listing_.next_offset;
    if (auto added = add(entry, offset, verified); !added) return fail(added.error());
    return offset;
  }
  const std::uint64_t offset = (*dentry)->offset;
  if (settled != nullptr && settled->contains(offset)) return offset;
  if (auto found = reader_.referenced_inode((*dentry)->child, row_); !found) return fail(found.error());
  const bool same =
      row_.inode.kind == entry.kind &&
      (entry.kind == remote::Kind::directory || remote::same_version(row_.inode.version, entry.version));
  Result<void> done;
  if (!same) {
    done = replace(entry, **dentry, verified);
  } else if (entry.kind == remote::Kind::file) {
    done = update_file(entry, verified);
  } else {
    done = update_directory(entry, verified);
  }
  if (!done) return fail(done.error());
  return offset;
}

Result<void> DirectoryEditor::update_file(const remote::Entry& entry, std::optional<WallTime> verified) {
  Inode& inode = row_.inode;
  bool changed = false;
  if (better_etag(inode.version.etag, entry.version.etag)) {
    inode.version.etag = entry.version.etag;
    changed = true;
  }
  if (update_mode(inode, entry)) {
    changes_.attributes.push_back(inode.node);
    changed = true;
  }
  if (verified && *verified > inode.verified) {
    inode.verified = *verified;
    changed = true;
  }
  return changed ? put_inode(row_) : Result<void>();
}

// The shown mtime of a directory follows the server's, but never goes back: it may have been advanced here
// (K4).
Result<void> DirectoryEditor::update_directory(const remote::Entry& entry, std::optional<WallTime> verified) {
  Inode& inode = row_.inode;
  bool changed = false;
  bool shown = update_mode(inode, entry);
  if (entry.version.mtime > inode.version.mtime) {
    inode.version.mtime = entry.version.mtime;
    shown = true;
  }
  if (!entry.version.etag.empty() && entry.version.etag != inode.version.etag) {
    inode.version.etag = entry.version.etag;
    changed = true;
  }
  if (verified && *verified > inode.verified) {
    inode.verified = *verified;
    changed = true;
  }
  if (shown) changes_.attributes.push_back(inode.node);
  return changed || shown ? put_inode(row_) : Result<void>();
}

Result<void> DirectoryEditor::add(const remote::Entry& entry, std::uint64_t offset,
                                  std::optional<WallTime> verified) {
  if (!where_) return fail(Errc::invalid_argument, "only shares live above all shares");
  auto identity = entry.kind == remote::Kind::file
                      ? hasher_.file(where_->share, where_->path, entry.name, entry.version)
                      : hasher_.directory(where_->share, where_->path, entry.name);
  if (!identity) return fail(identity.error());
  InodeRow row;
  row.inode.kind = entry.kind;
  row.inode.ino = identity->ino;
  row.inode.data_key = identity->data_key;
  row.inode.version = entry.version;
  if (entry.kind == remote::Kind::directory) row.inode.version.size = 0;
  row.inode.mode = permission_bits(entry.mode);
  if (verified) row.inode.verified = *verified;
  row.name = entry.name;
  return insert(row, offset);
}

Result<void> DirectoryEditor::replace(const remote::Entry& entry, const DentryRow& dentry,
                                      std::optional<WallTime> verified) {
  if (row_.share_root) return fail(Errc::protocol, "the server says that the root of a share is a file");
  if (row_.inode.kind == remote::Kind::directory) changes_.removed_directories.push_back(entry.name);
  if (auto gone = supersede(tables_, txn_, row_, encoded_, changes_); !gone) return gone;
  return add(entry, dentry.offset, verified);
}

Result<void> DirectoryEditor::insert(InodeRow& row, std::uint64_t offset) {
  auto node = ids_.next();
  if (!node) return fail(node.error());
  row.inode.node = *node;
  row.inode.parent = directory_;
  if (auto encoded = encode_inode(row, encoded_); !encoded) return encoded;
  // Ids grow, so the row belongs at the end; saying so packs pages full.
  auto put = txn_.append(tables_.inodes, NodeKey(*node).view(), encoded_);
  if (!put) return put;

  return give_name(*node, row.name, offset);
}

Result<void> DirectoryEditor::give_name(NodeId node, std::string_view name, std::uint64_t offset) {
  const auto dentry = encode_dentry({.child = node, .offset = offset});
  auto put = txn_.put(tables_.dentries, DentryKey(directory_, name).view(), view(dentry));
  if (!put) return put;
  put = txn_.put(tables_.offsets, OffsetKey(directory_, offset).view(), NodeKey(node).view());
  if (!put) return put;
  if (offset != listing_.next_offset) {
    name_changed(name);
    return {};
  }
  ++listing_.next_offset;
  ++listing_.state.entries;
  listing_dirty_ = true;
  if (listing_.state.listing == DirectoryState::Listing::complete) {
    name_changed(name);
  } else if (!silent_additions_) {
    names_moved_ = true;
  }
  return {};
}

Result<void> DirectoryEditor::add_share(const remote::Share& share, std::string_view name) {
  auto identity = hasher_.directory(share.id, {}, {});
  if (!identity) return fail(identity.error());
  InodeRow row;
  row.inode.kind = remote::Kind::directory;
  row.inode.ino = identity->ino;
  row.name = name;
  row.share_id = share.id;
  row.share_root = true;
  return insert(row, listing_.next_offset);
}

Result<void> DirectoryEditor::detach_share(NodeId node, std::uint64_t offset) {
  if (auto found = reader_.referenced_inode(node, row_); !found) return found;
  changes_.removed_directories.emplace_back(row_.name);
  name_changed(row_.name);
  --listing_.state.entries;
  return erase_name(offset, changes_.names.back());
}

Result<void> DirectoryEditor::attach_share(NodeId node, std::string_view name) {
  if (auto found = reader_.referenced_inode(node, row_); !found) return found;
  row_.name = name;
  if (auto put = put_inode(row_); !put) return put;
  return give_name(node, name, listing_.next_offset);
}

Result<void> DirectoryEditor::remove(NodeId child, std::uint64_t offset) {
  if (auto found = reader_.referenced_inode(child, row_); !found) return found;
  if (row_.inode.kind == remote::Kind::directory) changes_.removed_directories.emplace_back(row_.name);
  name_changed(row_.name);
  if (auto gone = supersede(tables_, txn_, row_, encoded_, changes_); !gone) return gone;
  --listing_.state.entries;
  return erase_name(offset, changes_.names.back());
}

Result<void> DirectoryEditor::erase_name(std::uint64_t offset, std::string_view name) {
  listing_dirty_ = true;
  if (auto gone = txn_.erase(tables_.dentries, DentryKey(directory_, name).view()); !gone) {
    return fail(gone.error());
  }
  if (auto gone = txn_.erase(tables_.offsets, OffsetKey(directory_, offset).view()); !gone) {
    return fail(gone.error());
  }
  return {};
}

void DirectoryEditor::update_self(const remote::Entry& self, std::optional<WallTime> verified) {
  self_ = &self;
  self_verified_ = verified;
}

void DirectoryEditor::mark_complete(WallTime now) {
  newly_complete_ = listing_.state.listing != DirectoryState::Listing::complete;
  listing_.state.listing = DirectoryState::Listing::complete;
  listing_.state.verified = std::max(listing_.state.verified, now);
  listing_dirty_ = true;
}

Result<void> DirectoryEditor::save() {
  if (listing_dirty_) {
    const auto bytes = encode_listing(listing_);
    auto put = txn_.put(tables_.directories, NodeKey(directory_).view(), view(bytes));
    if (put && newly_complete_) put = count(tables_, txn_, kDirectoriesListed, 1);
    if (!put) return put;
  }
  if (names_moved_) {
    if (auto found = reader_.referenced_inode(directory_, row_); !found) return found;
    row_.inode.version.mtime = a_nanosecond_later(row_.inode.version.mtime);
    changes_.attributes.push_back(directory_);
    if (auto put = put_inode(row_); !put) return put;
  }
  if (self_ != nullptr) {
    if (auto found = reader_.referenced_inode(directory_, row_); !found) return found;
    if (auto updated = update_directory(*self_, self_verified_); !updated) return updated;
  }
  // For whoever caches listings: this one went from partly known to known.
  if (newly_complete_) changes_.attributes.push_back(directory_);
  return {};
}

Result<void> DirectoryEditor::put_inode(const InodeRow& row) {
  if (auto encoded = encode_inode(row, encoded_); !encoded) return encoded;
  return txn_.put(tables_.inodes, NodeKey(row.inode.node).view(), encoded_);
}

Result<void> supersede(const Tables& tables, store::WriteTxn& txn, InodeRow& row, std::string& scratch,
                       Changes& changes) {
  row.inode.superseded = true;
  const NodeKey key(row.inode.node);
  if (auto encoded = encode_inode(row, scratch); !encoded) return encoded;
  if (auto put = txn.put(tables.inodes, key.view(), scratch); !put) return put;
  if (row.inode.kind == remote::Kind::directory) {
    if (auto put = txn.put(tables.removals, key.view(), {}); !put) return put;
  } else {
    changes.superseded.push_back(row.inode.node);
  }
  return txn.put(tables.superseded, key.view(), {});
}

Result<void> count(const Tables& tables, store::WriteTxn& txn, std::string_view counter, std::int64_t by) {
  auto value = TreeReader(txn, tables).counter(counter);
  if (!value) return fail(value.error());
  const auto bytes = encode_u64(*value + static_cast<std::uint64_t>(by));
  return txn.put(tables.meta, counter, view(bytes));
}

void merge(Changes& into, Changes&& later) {
  const auto append = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  if (later.directory != NodeId::none) into.directory = later.directory;
  append(into.names, later.names);
  append(into.removed_directories, later.removed_directories);
  append(into.attributes, later.attributes);
  append(into.superseded, later.superseded);
}

}  // namespace nithronfs::tree

// What changes the tree, except for listings.
#include <unordered_map>

#include "directory_editor.hpp"
#include "listing.hpp"
#include "names.hpp"
#include "reader.hpp"
#include "removal.hpp"
#include "tree_impl.hpp"

namespace nithronfs::tree {
namespace {

struct ShareRoot {
  NodeId node;
  std::uint64_t offset;
  std::string name;
  bool kept = false;
};
using ShareRoots = std::unordered_map<std::string, ShareRoot>;  // by share id

Result<ShareRoots> known_shares(const store::ReadTxn& txn, const Tables& tables) {
  const TreeReader reader(txn, tables);
  const OffsetKey from(NodeId::root, 0);
  const std::string_view prefix = from.view().substr(0, 8);
  ShareRoots roots;
  InodeRow inode;
  store::Cursor cursor(txn, tables.offsets);
  auto row = cursor.seek(from.view());
  for (; row && *row && (*row)->key.starts_with(prefix); row = cursor.next()) {
    auto offset = decode_offset((*row)->key);
    if (!offset) return fail(offset.error());
    auto node = decode_node((*row)->value);
    if (!node) return fail(node.error());
    if (auto found = reader.referenced_inode(*node, inode); !found) return fail(found.error());
    roots.emplace(inode.share_id, ShareRoot{*node, *offset, std::string(inode.name)});
  }
  if (!row) return fail(row.error());
  return roots;
}

Timestamp timestamp_of(WallTime time) {
  const auto nanoseconds = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(nanoseconds);
  return {.seconds = seconds.count(),
          .nanoseconds = static_cast<std::uint32_t>((nanoseconds - seconds).count())};
}

// The directory's place on the server; nothing for the directory of all shares.
Result<std::optional<Location>> place_of(const TreeReader& reader, NodeId directory) {
  auto where = reader.location(directory);
  if (where) return std::optional(*std::move(where));
  if (where.error().code == Errc::not_found) return std::optional<Location>();
  return fail(where.error());
}

}  // namespace

Result<std::unique_ptr<ListingUpdate>> TreeImpl::begin_listing(NodeId directory) {
  return tree::begin_listing(core_, directory);
}

Result<void> TreeImpl::forget(NodeId node) {
  return release(core_, node);
}

Result<Changes> TreeImpl::apply_entry(NodeId node, const remote::Entry& entry, WallTime now) {
  Changes changes;
  {
    const MutexLock lock(core_.writer);
    store::WriteTxn txn = core_.index.write();
    const TreeReader reader(txn, core_.tables);
    InodeRow row;
    if (auto found = reader.inode(node, row); !found) return fail(found.error());
    const bool root = node == NodeId::root;
    if (root && entry.kind != remote::Kind::directory) {
      return fail(Errc::protocol, "the server says that the root of a share is a file");
    }
    const NodeId directory = root ? node : row.inode.parent;
    remote::Entry named = entry;
    named.name = row.name;
    const auto where = place_of(reader, directory);
    if (!where) return fail(where.error());
    auto editor = DirectoryEditor::load(core_, txn, directory, *where, changes);
    if (!editor) return fail(editor.error());

    std::vector<std::uint64_t> confirmed;
    if (root) {
      editor->update_self(named, now);
    } else {
      // When the node was superseded meanwhile, the answer is about whoever has the name now.
      const auto holder = reader.dentry(directory, named.name);
      if (!holder) return fail(holder.error());
      if (!*holder) return fail(Errc::stale, "this name is no longer known");
      const auto offset = editor->apply(named, nullptr, now);
      if (!offset) return fail(offset.error());
      confirmed.push_back(*offset);
    }
    if (auto saved = editor->save(); !saved) return fail(saved.error());
    if (auto committed = txn.commit(); !committed) return fail(committed.error());
    core_.listings.settle(directory, confirmed, ListingRegistry::kFreshAnswer);
  }
  if (!changes.removed_directories.empty()) {
    // As in ListingUpdate::finish, what fails here is done at the next removal or open.
    [[maybe_unused]] const auto below = take_down_removed(core_, changes);
  }
  return changes;
}

Result<Changes> TreeImpl::apply_absence(NodeId node) {
  if (node == NodeId::root) return fail(Errc::invalid_argument, "the root of a mount does not go away");
  Changes changes;
  {
    const MutexLock lock(core_.writer);
    store::WriteTxn txn = core_.index.write();
    const TreeReader reader(txn, core_.tables);
    InodeRow row;
    if (auto found = reader.inode(node, row); !found) return fail(found.error());
    const NodeId directory = row.inode.parent;
    const auto dentry = reader.dentry(directory, row.name);
    if (!dentry) return fail(dentry.error());
    // Gone already, or another version has the name: of that nothing was said.
    if (row.inode.superseded || !*dentry || (*dentry)->child != node) return changes;
    const std::optional<Location> where;
    auto editor = DirectoryEditor::load(core_, txn, directory, where, changes);
    if (!editor) return fail(editor.error());
    if (auto removed = editor->remove(node, (*dentry)->offset); !removed) return fail(removed.error());
    if (auto saved = editor->save(); !saved) return fail(saved.error());
    if (auto committed = txn.commit(); !committed) return fail(committed.error());
  }
  [[maybe_unused]] const auto below = take_down_removed(core_, changes);
  return changes;
}

Result<void> TreeImpl::update_shares(DirectoryEditor& editor, const store::WriteTxn& txn,
                                     std::span<const remote::Share> shares) {
  auto known = known_shares(txn, core_.tables);
  if (!known) return fail(known.error());
  const auto wanted = name_shares(shares, [&](const remote::Share& share, std::string_view name) {
    const auto root = known->find(share.id);
    return root != known->end() && root->second.name == name;
  });
  for (const NamedShare& named : wanted) {
    if (const auto root = known->find(named.share->id); root != known->end()) root->second.kept = true;
  }
  for (const auto& [id, root] : *known) {
    if (root.kept) continue;
    if (auto removed = editor.remove(root.node, root.offset); !removed) return removed;
  }
  // All leave their old names before any takes its new one, so that two shares can swap theirs.
  const auto renamed = [&](const NamedShare& named) -> const ShareRoot* {
    const auto root = known->find(named.share->id);
    return root == known->end() || root->second.name == named.name ? nullptr : &root->second;
  };
  for (const NamedShare& named : wanted) {
    const ShareRoot* root = renamed(named);
    if (root == nullptr) continue;
    if (auto detached = editor.detach_share(root->node, root->offset); !detached) return detached;
  }
  for (const NamedShare& named : wanted) {
    Result<void> done;
    if (const ShareRoot* root = renamed(named)) {
      done = editor.attach_share(root->node, named.name);
    } else if (!known->contains(named.share->id)) {
      done = editor.add_share(*named.share, named.name);
    }
    if (!done) return done;
  }
  return {};
}

Result<Changes> TreeImpl::apply_shares(std::span<const remote::Share> shares, WallTime now) {
  Changes changes;
  {
    const MutexLock lock(core_.writer);
    store::WriteTxn txn = core_.index.write();
    const auto where = place_of(TreeReader(txn, core_.tables), NodeId::root);
    if (!where) return fail(where.error());
    if (*where) return fail(Errc::invalid_argument, "this mount shows one share, not all");
    auto editor = DirectoryEditor::load(core_, txn, NodeId::root, *where, changes);
    if (!editor) return fail(editor.error());
    editor->first_listing();
    if (auto updated = update_shares(*editor, txn, shares); !updated) return fail(updated.error());
    remote::Entry self;
    self.kind = remote::Kind::directory;
    // No server keeps this directory: it changed when we learnt of it.
    if (editor->changed()) self.version.mtime = timestamp_of(now);
    editor->mark_complete(now);
    editor->update_self(self, now);
    if (auto saved = editor->save(); !saved) return fail(saved.error());
    if (auto committed = txn.commit(); !committed) return fail(committed.error());
  }
  if (!changes.removed_directories.empty()) {
    [[maybe_unused]] const auto below = take_down_removed(core_, changes);
  }
  return changes;
}

}  // namespace nithronfs::tree

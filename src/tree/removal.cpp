// Taking subtrees down and purging superseded rows, a bounded step at a time.
#include "removal.hpp"

#include <optional>
#include <string>
#include <vector>

#include "directory_editor.hpp"
#include "reader.hpp"

namespace nithronfs::tree {
namespace {

constexpr std::size_t kStep = 2048;  // rows per write transaction

struct Child {
  std::uint64_t offset;
  NodeId node;
};

Result<std::optional<NodeId>> first_node(const store::ReadTxn& txn, store::Table table) {
  store::Cursor cursor(txn, table);
  auto row = cursor.seek({});
  if (!row) return fail(row.error());
  if (!*row) return std::optional<NodeId>();
  auto node = decode_node((*row)->key);
  if (!node) return fail(node.error());
  return *node;
}

Result<std::vector<Child>> first_children(const store::ReadTxn& txn, const Tables& tables, NodeId directory) {
  const OffsetKey from(directory, 0);
  const std::string_view prefix = from.view().substr(0, 8);
  std::vector<Child> children;
  store::Cursor cursor(txn, tables.offsets);
  auto row = cursor.seek(from.view());
  for (; row && *row && (*row)->key.starts_with(prefix) && children.size() < kStep; row = cursor.next()) {
    auto offset = decode_offset((*row)->key);
    if (!offset) return fail(offset.error());
    auto node = decode_node((*row)->value);
    if (!node) return fail(node.error());
    children.push_back({*offset, *node});
  }
  if (!row) return fail(row.error());
  return children;
}

Result<void> finish_directory(const Tables& tables, store::WriteTxn& txn, NodeId directory) {
  auto listing = TreeReader(txn, tables).listing(directory);
  if (!listing) return fail(listing.error());
  if (*listing && (*listing)->state.listing == DirectoryState::Listing::complete) {
    if (auto counted = count(tables, txn, kDirectoriesListed, -1); !counted) return counted;
  }
  const NodeKey key(directory);
  if (auto gone = txn.erase(tables.directories, key.view()); !gone) return fail(gone.error());
  if (auto gone = txn.erase(tables.removals, key.view()); !gone) return fail(gone.error());
  return {};
}

// One transaction's worth; false when there was nothing to do.
Result<bool> take_down_step(Core& core, Changes& changes) {
  const MutexLock lock(core.writer);
  store::WriteTxn txn = core.index.write();
  const auto directory = first_node(txn, core.tables.removals);
  if (!directory) return fail(directory.error());
  if (!*directory) return false;
  auto children = first_children(txn, core.tables, **directory);
  if (!children) return fail(children.error());

  const TreeReader reader(txn, core.tables);
  Changes below;
  InodeRow row;
  std::string scratch;
  for (const Child& child : *children) {
    if (auto found = reader.referenced_inode(child.node, row); !found) return fail(found.error());
    const DentryKey dentry(**directory, row.name);
    if (auto gone = supersede(core.tables, txn, row, scratch, below); !gone) return fail(gone.error());
    if (auto gone = txn.erase(core.tables.dentries, dentry.view()); !gone) return fail(gone.error());
    const OffsetKey offset(**directory, child.offset);
    if (auto gone = txn.erase(core.tables.offsets, offset.view()); !gone) return fail(gone.error());
  }
  if (children->size() < kStep) {
    if (auto done = finish_directory(core.tables, txn, **directory); !done) return fail(done.error());
  }
  if (auto committed = txn.commit(); !committed) return fail(committed.error());
  merge(changes, std::move(below));
  return true;
}

Result<bool> purge_step(Core& core) {
  const MutexLock lock(core.writer);
  store::WriteTxn txn = core.index.write();
  for (std::size_t i = 0; i < kStep; ++i) {
    const auto node = first_node(txn, core.tables.superseded);
    if (!node) return fail(node.error());
    if (!*node && i == 0) return false;
    if (!*node) break;
    const NodeKey key(**node);
    if (auto gone = txn.erase(core.tables.inodes, key.view()); !gone) return fail(gone.error());
    if (auto gone = txn.erase(core.tables.superseded, key.view()); !gone) return fail(gone.error());
  }
  if (auto committed = txn.commit(); !committed) return fail(committed.error());
  return true;
}

}  // namespace

Result<void> take_down_removed(Core& core, Changes& changes) {
  for (;;) {
    const auto more = take_down_step(core, changes);
    if (!more) return fail(more.error());
    if (!*more) return {};
  }
}

Result<void> purge_superseded(Core& core) {
  for (;;) {
    const auto more = purge_step(core);
    if (!more) return fail(more.error());
    if (!*more) return {};
  }
}

Result<void> release(Core& core, NodeId node) {
  const NodeKey key(node);
  {
    // The usual case, a node that is still in use, costs one look at a small table.
    const store::ReadTxn txn = core.index.read();
    auto superseded = txn.get(core.tables.superseded, key.view());
    if (!superseded) return fail(superseded.error());
    if (!*superseded) return {};
  }
  const MutexLock lock(core.writer);
  store::WriteTxn txn = core.index.write();
  // Its name is still needed to take down what is below it; then it goes at the next open.
  auto removal = txn.get(core.tables.removals, key.view());
  if (!removal) return fail(removal.error());
  if (*removal) return {};
  if (auto gone = txn.erase(core.tables.inodes, key.view()); !gone) return fail(gone.error());
  if (auto gone = txn.erase(core.tables.superseded, key.view()); !gone) return fail(gone.error());
  return txn.commit();
}

}  // namespace nithronfs::tree

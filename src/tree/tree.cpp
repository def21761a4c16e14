// Opening the tree, and its answers.
#include "nithronfs/tree/tree.hpp"

#include <algorithm>

#include "listing.hpp"
#include "reader.hpp"
#include "removal.hpp"
#include "tree_impl.hpp"

namespace nithronfs::tree {
namespace {

// Row of Tables::meta: "all shares" or "share " and its id.
constexpr std::string_view kContent = "content";

Result<void> no_name_fits(std::string_view name) {
  if (name.size() > kMaxName) return fail(Errc::name_too_long, "a name above 255 bytes");
  if (name.empty()) return fail(Errc::bad_name, "an empty name");
  return {};
}

Result<NodeId> last_node(const store::ReadTxn& txn, const Tables& tables) {
  store::Cursor cursor(txn, tables.inodes);
  auto row = cursor.last();
  if (!row) return fail(row.error());
  return *row ? decode_node((*row)->key) : NodeId::none;
}

}  // namespace

std::vector<std::string> Tree::table_names() {
  return {"tree.inodes",     "tree.dentries", "tree.offsets", "tree.directories",
          "tree.superseded", "tree.removals", "tree.meta"};
}

Result<std::unique_ptr<Tree>> Tree::open(const TreeOptions& options) {
  auto hasher = IdentityHasher::create();
  if (!hasher) return fail(hasher.error());
  auto tree = std::make_unique<TreeImpl>(options, *std::move(hasher));
  if (auto prepared = tree->prepare(options.single_share); !prepared) return fail(prepared.error());
  return tree;
}

Result<void> TreeImpl::prepare(const std::optional<remote::Share>& single_share) {
  const std::string content = single_share ? "share " + single_share->id : "all shares";
  std::string known;
  NodeId last = NodeId::none;
  {
    const store::ReadTxn txn = core_.index.read();
    auto row = txn.get(core_.tables.meta, kContent);
    if (!row) return fail(row.error());
    if (*row) known = **row;
    auto node = last_node(txn, core_.tables);
    if (!node) return fail(node.error());
    last = *node;
  }
  // A state directory that was lost, while the index was not, would hand out numbers that the index uses.
  if (auto raised = core_.ids.raise_above(last); !raised) return raised;
  if (known != content) return reset(single_share, content);
  Changes unreported;  // there is no kernel yet that could be told
  if (auto done = take_down_removed(core_, unreported); !done) return done;
  return purge_superseded(core_);
}

Result<void> TreeImpl::reset(const std::optional<remote::Share>& single_share, std::string_view content) {
  const MutexLock lock(core_.writer);
  const Tables& tables = core_.tables;
  store::WriteTxn txn = core_.index.write();
  for (const store::Table table : {tables.inodes, tables.dentries, tables.offsets, tables.directories,
                                   tables.superseded, tables.removals, tables.meta}) {
    if (auto cleared = txn.clear(table); !cleared) return cleared;
  }
  InodeRow root;
  root.inode.kind = remote::Kind::directory;
  root.inode.ino = kRootIno;
  if (single_share) {
    root.share_root = true;
    root.share_id = single_share->id;
  }
  std::string bytes;
  if (auto encoded = encode_inode(root, bytes); !encoded) return encoded;
  if (auto put = txn.put(tables.inodes, NodeKey(NodeId::root).view(), bytes); !put) return put;
  if (auto put = txn.put(tables.meta, kContent, content); !put) return put;
  return txn.commit();
}

Result<Inode> TreeImpl::inode(NodeId node) const {
  const store::ReadTxn txn = core_.index.read();
  InodeRow row;
  if (auto found = TreeReader(txn, core_.tables).inode(node, row); !found)
    return fail(std::move(found.error()));
  return std::move(row.inode);
}

Result<Lookup> TreeImpl::lookup(NodeId parent, std::string_view name) const {
  if (auto checked = no_name_fits(name); !checked) return fail(std::move(checked.error()));
  const store::ReadTxn txn = core_.index.read();
  const TreeReader reader(txn, core_.tables);
  InodeRow row;
  auto dentry = reader.dentry(parent, name);
  if (!dentry) return fail(std::move(dentry.error()));
  if (*dentry) {
    if (auto found = reader.referenced_inode((*dentry)->child, row); !found)
      return fail(std::move(found.error()));
    return Lookup(Found{std::move(row.inode)});
  }
  auto listing = reader.listing(parent);
  if (!listing) return fail(std::move(listing.error()));
  if (*listing && (*listing)->state.listing == DirectoryState::Listing::complete) return Lookup(Absent{});
  if (auto found = reader.inode(parent, row); !found) return fail(std::move(found.error()));
  if (row.inode.kind != remote::Kind::directory) return fail(Errc::not_directory, "this is a file");
  if (row.inode.superseded) return Lookup(Absent{});
  return Lookup(Unknown{});
}

Result<DirectoryState> TreeImpl::directory(NodeId node) const {
  const store::ReadTxn txn = core_.index.read();
  const TreeReader reader(txn, core_.tables);
  InodeRow row;
  if (auto found = reader.inode(node, row); !found) return fail(std::move(found.error()));
  if (row.inode.kind != remote::Kind::directory) return fail(Errc::not_directory, "this is a file");
  if (row.inode.superseded) return DirectoryState{.listing = DirectoryState::Listing::complete};
  auto listing = reader.listing(node);
  if (!listing) return fail(std::move(listing.error()));
  return *listing ? (*listing)->state : DirectoryState();
}

Result<void> TreeImpl::read_directory(NodeId node, std::uint64_t after,
                                      const std::function<bool(const DirectoryRow&)>& row) const {
  const store::ReadTxn txn = core_.index.read();
  const TreeReader reader(txn, core_.tables);
  InodeRow child;
  if (auto found = reader.inode(node, child); !found) return found;
  if (child.inode.kind != remote::Kind::directory) return fail(Errc::not_directory, "this is a file");
  if (after == std::numeric_limits<std::uint64_t>::max()) return {};
  const OffsetKey from(node, after + 1);
  const std::string_view prefix = from.view().substr(0, 8);
  store::Cursor cursor(txn, core_.tables.offsets);
  auto at = cursor.seek(from.view());
  for (; at && *at && (*at)->key.starts_with(prefix); at = cursor.next()) {
    auto offset = decode_offset((*at)->key);
    if (!offset) return fail(std::move(offset.error()));
    auto child_node = decode_node((*at)->value);
    if (!child_node) return fail(std::move(child_node.error()));
    if (auto found = reader.referenced_inode(*child_node, child); !found) return found;
    if (!row(DirectoryRow{.offset = *offset, .name = child.name, .inode = child.inode})) return {};
  }
  if (!at) return fail(std::move(at.error()));
  return {};
}

Result<Location> TreeImpl::location(NodeId node) const {
  const store::ReadTxn txn = core_.index.read();
  return TreeReader(txn, core_.tables).location(node);
}

Result<WallTime> TreeImpl::verified(const Inode& inode) const {
  if (inode.superseded || inode.parent == NodeId::none) return inode.verified;
  const store::ReadTxn txn = core_.index.read();
  auto listing = TreeReader(txn, core_.tables).listing(inode.parent);
  if (!listing) return fail(std::move(listing.error()));
  return *listing ? std::max(inode.verified, (*listing)->state.verified) : inode.verified;
}

Result<Tree::Totals> TreeImpl::totals() const {
  const store::ReadTxn txn = core_.index.read();
  const auto inodes = txn.count(core_.tables.inodes);
  if (!inodes) return fail(inodes.error());
  const auto superseded = txn.count(core_.tables.superseded);
  if (!superseded) return fail(superseded.error());
  const auto listed = TreeReader(txn, core_.tables).counter(kDirectoriesListed);
  if (!listed) return fail(listed.error());
  return Totals{.inodes = *inodes - *superseded, .directories_listed = *listed};
}

}  // namespace nithronfs::tree

// Looking rows up and decoding them.
#include "reader.hpp"

#include <fmt/format.h>

#include <ranges>
#include <string>
#include <vector>

namespace nithronfs::tree {

Result<bool> TreeReader::find_inode(NodeId node, InodeRow& row) const {
  auto bytes = txn_.get(tables_.inodes, NodeKey(node).view());
  if (!bytes) return fail(std::move(bytes.error()));
  if (!*bytes) return false;
  if (auto decoded = decode_inode(node, **bytes, row); !decoded) return fail(std::move(decoded.error()));
  return true;
}

Result<void> TreeReader::inode(NodeId node, InodeRow& row) const {
  auto found = find_inode(node, row);
  if (!found) return fail(std::move(found.error()));
  if (!*found) return fail(Errc::stale, "this file or directory is no longer known");
  return {};
}

Result<void> TreeReader::referenced_inode(NodeId node, InodeRow& row) const {
  auto found = find_inode(node, row);
  if (!found) return fail(std::move(found.error()));
  if (!*found) {
    return fail(Errc::corrupt, fmt::format("the index refers to node {}, which it does not have",
                                           static_cast<std::uint64_t>(node)));
  }
  return {};
}

Result<std::optional<DentryRow>> TreeReader::dentry(NodeId directory, std::string_view name) const {
  auto bytes = txn_.get(tables_.dentries, DentryKey(directory, name).view());
  if (!bytes) return fail(std::move(bytes.error()));
  if (!*bytes) return std::optional<DentryRow>();
  auto row = decode_dentry(**bytes);
  if (!row) return fail(std::move(row.error()));
  return *row;
}

Result<std::optional<ListingRow>> TreeReader::listing(NodeId directory) const {
  auto bytes = txn_.get(tables_.directories, NodeKey(directory).view());
  if (!bytes) return fail(std::move(bytes.error()));
  if (!*bytes) return std::optional<ListingRow>();
  auto row = decode_listing(**bytes);
  if (!row) return fail(std::move(row.error()));
  return *row;
}

Result<Location> TreeReader::location(NodeId node) const {
  // Deeper than any path that a kernel or server takes; ends the walk if rows ever point in a circle.
  constexpr std::size_t kMaxDepth = 4096;
  std::vector<std::string_view> names;
  InodeRow row;
  if (auto found = inode(node, row); !found) return fail(std::move(found.error()));
  while (!row.share_root) {
    if (row.inode.parent == NodeId::none) return fail(Errc::not_found, "this is above all shares");
    if (names.size() == kMaxDepth) return fail(Errc::corrupt, "directories of the index form a circle");
    names.push_back(row.name);
    if (auto found = inode(row.inode.parent, row); !found) return fail(std::move(found.error()));
  }
  Location location{.share = std::string(row.share_id), .path = {}};
  for (const std::string_view name : names | std::views::reverse) {
    if (!location.path.empty()) location.path += '/';
    location.path += name;
  }
  return location;
}

Result<std::uint64_t> TreeReader::counter(std::string_view name) const {
  auto bytes = txn_.get(tables_.meta, name);
  if (!bytes) return fail(std::move(bytes.error()));
  if (!*bytes) return 0;
  return decode_u64(**bytes);
}

}  // namespace nithronfs::tree

// Questions to the tables inside one transaction.
#pragma once

#include <optional>
#include <string_view>

#include "nithronfs/store/store.hpp"
#include "row_codec.hpp"
#include "tables.hpp"

namespace nithronfs::tree {

// Views in the answers are valid as long as the transaction's bytes are: in a WriteTxn, until its next
// change.
class TreeReader {
 public:
  TreeReader(const store::ReadTxn& txn, const Tables& tables) : txn_(txn), tables_(tables) {}

  // False: unknown node.
  [[nodiscard]] Result<bool> find_inode(NodeId node, InodeRow& row) const;
  // Errors: stale (unknown node).
  [[nodiscard]] Result<void> inode(NodeId node, InodeRow& row) const;
  // For nodes that other rows refer to. Errors: corrupt (unknown node).
  [[nodiscard]] Result<void> referenced_inode(NodeId node, InodeRow& row) const;
  [[nodiscard]] Result<std::optional<DentryRow>> dentry(NodeId directory, std::string_view name) const;
  // Nothing: never listed.
  [[nodiscard]] Result<std::optional<ListingRow>> listing(NodeId directory) const;
  // Errors: stale (it, or a directory above it, is not known any more), not_found (above all shares).
  [[nodiscard]] Result<Location> location(NodeId node) const;
  [[nodiscard]] Result<std::uint64_t> counter(std::string_view name) const;

 private:
  const store::ReadTxn& txn_;
  const Tables& tables_;
};

// Row of Tables::meta: how many directories are listed completely.
inline constexpr std::string_view kDirectoriesListed = "directories_listed";

}  // namespace nithronfs::tree

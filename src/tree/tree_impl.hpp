// The tree over LMDB: answers in tree.cpp, changes in tree_writes.cpp.
#pragma once

#include "core.hpp"
#include "nithronfs/tree/tree.hpp"

namespace nithronfs::tree {

class DirectoryEditor;

class TreeImpl final : public Tree {
 public:
  TreeImpl(const TreeOptions& options, IdentityHasher hasher)
      : core_(options.index, options.first_table, options.ids, std::move(hasher)) {}

  // Makes the tables those of this mount.
  [[nodiscard]] Result<void> prepare(const std::optional<remote::Share>& single_share);

  Result<Inode> inode(NodeId node) const override;
  Result<Lookup> lookup(NodeId parent, std::string_view name) const override;
  Result<DirectoryState> directory(NodeId node) const override;
  Result<void> read_directory(NodeId node, std::uint64_t after,
                              const std::function<bool(const DirectoryRow&)>& row) const override;
  Result<Location> location(NodeId node) const override;
  Result<WallTime> verified(const Inode& inode) const override;
  Result<Totals> totals() const override;

  Result<Changes> apply_shares(std::span<const remote::Share> shares, WallTime now) override;
  Result<std::unique_ptr<ListingUpdate>> begin_listing(NodeId directory) override;
  Result<Changes> apply_entry(NodeId node, const remote::Entry& entry, WallTime now) override;
  Result<Changes> apply_absence(NodeId node) override;
  Result<void> forget(NodeId node) override;

 private:
  [[nodiscard]] Result<void> reset(const std::optional<remote::Share>& single_share,
                                   std::string_view content);
  [[nodiscard]] Result<void> update_shares(DirectoryEditor& editor, const store::WriteTxn& txn,
                                           std::span<const remote::Share> shares);
  Core core_;
};

}  // namespace nithronfs::tree

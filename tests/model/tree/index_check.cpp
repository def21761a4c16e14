// Reads all tables and holds them against each other.
#include "index_check.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

#include "row_codec.hpp"
#include "tables.hpp"

namespace nithronfs::tree::test {
namespace {

struct Row {
  Inode inode;
  std::string name;
};

std::uint64_t number(NodeId node) {
  return static_cast<std::uint64_t>(node);
}

class Check {
 public:
  Check(const store::Environment& index, bool work_pending)
      : txn_(index.read()), work_pending_(work_pending) {
    read_inodes();
    read_names();
    read_offsets();
    check_directories();
    check_superseded();
  }
  std::vector<std::string> complaints;

 private:
  template <class Each>
  void each(store::Table table, Each visit) {
    store::Cursor cursor(txn_, table);
    auto row = cursor.seek({});
    for (; row && *row; row = cursor.next()) visit((*row)->key, (*row)->value);
    if (!row) complaints.push_back(row.error().message);
  }

  void read_inodes() {
    each(tables_.inodes, [&](std::string_view key, std::string_view value) {
      InodeRow row;
      const auto node = decode_node(key);
      if (!node || !decode_inode(*node, value, row)) {
        complaints.emplace_back("an inode row cannot be read");
        return;
      }
      inodes_[*node] = {row.inode, std::string(row.name)};
    });
    if (!inodes_.contains(NodeId::root)) complaints.emplace_back("there is no root");
  }

  void read_names() {
    each(tables_.dentries, [&](std::string_view key, std::string_view value) {
      const NodeId directory = *decode_node(key.substr(0, 8));
      const std::string name(key.substr(8));
      const auto dentry = decode_dentry(value);
      const auto child = inodes_.find(dentry->child);
      if (child == inodes_.end()) {
        complaints.push_back(fmt::format("{} leads to no inode", name));
        return;
      }
      const Row& row = child->second;
      if (row.inode.parent != directory || row.name != name || row.inode.superseded) {
        complaints.push_back(fmt::format("{} leads to an inode that is not it", name));
      }
      if (!named_.insert(dentry->child).second) complaints.push_back(fmt::format("{} has two names", name));
      places_[{directory, dentry->offset}] = dentry->child;
      ++entries_[directory];
    });
    for (const auto& [node, row] : inodes_) {
      if (node != NodeId::root && !row.inode.superseded && !named_.contains(node)) {
        complaints.push_back(fmt::format("inode {} ({}) has no name", number(node), row.name));
      }
    }
  }

  void read_offsets() {
    std::map<std::pair<NodeId, std::uint64_t>, NodeId> offsets;
    each(tables_.offsets, [&](std::string_view key, std::string_view value) {
      offsets[{*decode_node(key.substr(0, 8)), *decode_offset(key)}] = *decode_node(value);
    });
    if (offsets != places_) complaints.emplace_back("offsets and names do not agree");
  }

  void check_directories() {
    std::set<NodeId> removals;
    each(tables_.removals,
         [&](std::string_view key, std::string_view) { removals.insert(*decode_node(key)); });
    if (!work_pending_ && !removals.empty()) complaints.emplace_back("a removal was not carried out");
    std::uint64_t complete = 0;
    std::set<NodeId> listed;
    each(tables_.directories, [&](std::string_view key, std::string_view value) {
      const NodeId node = *decode_node(key);
      const auto listing = decode_listing(value);
      listed.insert(node);
      if (listing->state.listing == DirectoryState::Listing::complete) ++complete;
      if (!inodes_.contains(node)) complaints.emplace_back("a listing of no directory");
      if (listing->state.entries != entries_[node] && !removals.contains(node)) {
        complaints.push_back(fmt::format("{} has {} entries and claims {}", number(node), entries_[node],
                                         listing->state.entries));
      }
      const auto last = places_.lower_bound({NodeId{number(node) + 1}, 0});
      if (last != places_.begin() && std::prev(last)->first.first == node &&
          std::prev(last)->first.second >= listing->next_offset) {
        complaints.push_back(fmt::format("{} would give an offset twice", number(node)));
      }
    });
    for (const auto& [directory, count] : entries_) {
      if (count != 0 && !listed.contains(directory))
        complaints.emplace_back("names in a directory never listed");
    }
    const auto counted = txn_.get(tables_.meta, "directories_listed");
    const std::uint64_t claimed = counted && *counted ? decode_u64(**counted).value_or(0) : 0;
    if (claimed != complete) complaints.push_back(fmt::format("{} complete, counted {}", complete, claimed));
  }

  void check_superseded() {
    std::set<NodeId> superseded;
    each(tables_.superseded,
         [&](std::string_view key, std::string_view) { superseded.insert(*decode_node(key)); });
    for (const auto& [node, row] : inodes_) {
      if (row.inode.superseded != superseded.contains(node)) {
        complaints.push_back(fmt::format("{} is superseded in one table only", number(node)));
      }
    }
    for (const NodeId node : superseded) {
      if (!inodes_.contains(node)) complaints.emplace_back("a superseded row of no inode");
    }
  }

  const Tables tables_{store::Table{0}};
  store::ReadTxn txn_;
  const bool work_pending_;
  std::map<NodeId, Row> inodes_;
  std::map<std::pair<NodeId, std::uint64_t>, NodeId> places_;  // by name
  std::map<NodeId, std::uint64_t> entries_;
  std::set<NodeId> named_;
};

}  // namespace

std::vector<std::string> disagreements(const store::Environment& index, bool work_pending) {
  return Check(index, work_pending).complaints;
}

}  // namespace nithronfs::tree::test

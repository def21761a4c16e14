// The LMDB tables behind a full catalog: the tree of known files and the journal of changes.
//
//   nodes    (parent id, name)       -> Node: what was last seen there
//   places   node id                 -> (parent id, name)
//   hashes   (node id, block size)   -> version, size, SHA-256, then SHA-256 and Adler-32 of each block
//   journal  sequence number         -> Change
//   meta     name                    -> counters, generation, schema
//
// Integers in keys are big-endian, so that a table's order is the order of numbers. Rows are keyed by parent
// and name and not by path because LMDB bounds a key to 511 bytes, and so that renaming a directory changes
// one row. Node ids and versions are never used twice. Directories have version 0.
//
// Everything here works inside a transaction of the caller; nothing here looks at the disk that is served.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog.hpp"
#include "database.hpp"

namespace refserver {

inline constexpr std::uint64_t root_id = 1;

struct Fingerprint {
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;

  static Fingerprint of(const struct stat& status);
  bool operator==(const Fingerprint&) const = default;
};

struct Node {
  std::uint64_t id = 0;
  std::uint64_t version = 0;
  Fingerprint seen;
  std::uint32_t mode = 0;  // st_mode

  bool is_dir() const { return S_ISDIR(mode); }
};

struct Place {
  std::uint64_t parent = 0;
  std::string name;
};

enum class ChangeKind : std::uint8_t { create, modify, remove, rename };

struct Change {
  std::uint64_t seq = 0;
  ChangeKind kind = ChangeKind::create;
  std::string path;
  std::string old_path;  // for renames
  Node node;             // as it was after the change (before it, for a removal)
};

struct Counters {
  std::uint64_t last_seq = 0;
  std::uint64_t last_version = 0;
  std::uint64_t last_id = root_id;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

class CatalogStore {
 public:
  explicit CatalogStore(const std::filesystem::path& directory);

  const Database& database() const { return database_; }
  // Random per database: a cursor or ETag of another database never fits this one.
  const std::string& generation() const { return generation_; }
  std::string tag(const Node& node) const;  // the ETag's opaque part

  Counters counters(const Transaction& txn) const;
  void put_counters(Transaction& txn, const Counters& counters) const;

  std::optional<Node> child(const Transaction& txn, std::uint64_t parent, std::string_view name) const;
  std::optional<Node> node_at(const Transaction& txn, std::string_view path) const;  // "" is the root
  std::optional<Node> node_by_id(const Transaction& txn, std::uint64_t id) const;
  std::optional<std::string> path_of(const Transaction& txn, std::uint64_t id) const;
  // Calls back in the order of names; the callback must not change the table.
  void for_each_child(const Transaction& txn, std::uint64_t parent,
                      const std::function<void(std::string_view name, const Node&)>& visit) const;
  // Up to `limit` ids above `after`, ascending (the root is never among them).
  std::vector<std::uint64_t> ids_after(const Transaction& txn, std::uint64_t after, std::size_t limit) const;

  void put(Transaction& txn, std::uint64_t parent, std::string_view name, const Node& node) const;
  void move(Transaction& txn, std::uint64_t from_parent, std::string_view from_name, std::uint64_t to_parent,
            std::string_view to_name, const Node& node) const;
  // Removes one row (not what is below it) and its hashes.
  void erase(Transaction& txn, std::uint64_t parent, std::string_view name, std::uint64_t id) const;

  void append(Transaction& txn, const Change& change) const;
  std::vector<Change> changes_after(const Transaction& txn, std::uint64_t seq, std::size_t limit) const;
  // The sequence number below which the journal was cut: a cursor needs to be at or above it.
  std::uint64_t journal_floor(const Transaction& txn) const;
  void trim_journal(Transaction& txn, std::size_t keep) const;

  std::optional<FileHash> find_hash(const Transaction& txn, const Node& node, std::uint64_t block_size) const;
  void put_hash(Transaction& txn, const Node& node, const FileHash& hash) const;
  // The SHA-256 (hex) of this version if it was ever computed, whatever the block size.
  std::optional<std::string> find_sha256(const Transaction& txn, const Node& node) const;

 private:
  Database database_;
  Table nodes_, places_, hashes_, journal_, meta_;
  std::string generation_;
};

}  // namespace refserver

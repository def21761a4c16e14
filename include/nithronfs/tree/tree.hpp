// Names and attributes: the server's namespace as we last saw it, in LMDB. Knows nothing of bytes, sockets or
// the kernel; answers in microseconds (invariant 7).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nithronfs/remote/types.hpp"
#include "nithronfs/store/store.hpp"
#include "nithronfs/util/clock.hpp"
#include "nithronfs/util/result.hpp"
#include "nithronfs/util/seams.hpp"

namespace nithronfs::tree {

// Names one version lineage to the kernel (K1): a database key, never reused, not the st_ino.
enum class NodeId : std::uint64_t { none = 0, root = 1 };

// Names the bytes of one version: the same share, path and version give the same key after the index was
// lost, which is how cached data files are adopted again.
using DataKey = std::array<std::uint8_t, 16>;

// What the tree knows of one node.
struct Inode {
  NodeId node = NodeId::none;
  NodeId parent = NodeId::none;
  remote::Kind kind = remote::Kind::file;
  std::uint64_t ino = 0;              // st_ino (K1)
  remote::Version version;            // directories: size 0, mtime for show
  std::optional<std::uint32_t> mode;  // permission bits, where the server knows them
  DataKey data_key{};                 // files only
  WallTime verified{};      // when the server last confirmed it; a file also counts as confirmed when
                            // its directory was listed completely (see DirectoryState)
  bool superseded = false;  // another version has the name now, or the name is gone
};

struct DirectoryState {
  enum class Listing : std::uint8_t { never, partial, complete };
  Listing listing = Listing::never;
  WallTime verified{};        // end of the last complete listing
  std::uint64_t entries = 0;  // known names
};

// What a look-up can know.
struct Found {
  Inode inode;
};
struct Absent {};   // the directory was listed completely and has no such name
struct Unknown {};  // never listed completely
using Lookup = std::variant<Found, Absent, Unknown>;

// Where a node is on the server.
struct Location {
  std::string share;  // share id
  std::string path;   // see remote::Remote
};

struct DirectoryRow {
  std::uint64_t offset;  // stable id of this name in this directory, > 0, growing with age (K4, S14)
  std::string_view name;
  const Inode& inode;
};

// What changed in one step, for whoever has to make the kernel forget (K2, K4, K5).
struct Changes {
  NodeId directory = NodeId::none;
  // The answer to these names changed: added, removed, or another node. Names that were added while the
  // answer was still Unknown are not in here: a first listing reports none.
  std::vector<std::string> names;
  // As above, and the name was a directory that was removed (K5).
  std::vector<std::string> removed_directories;
  // Same node, other mode or directory mtime (K2): attributes to be asked again, and of a directory its
  // cached listing. Holds `directory` itself when names moved its mtime (K4) or it became known completely.
  std::vector<NodeId> attributes;
  // Files of which another version took the name, or which went: their open handles live on.
  std::vector<NodeId> superseded;
  // The kernel need not be told anything.
  [[nodiscard]] bool empty() const {
    return names.empty() && removed_directories.empty() && attributes.empty();
  }
};

// Hands out NodeIds above everything handed out before by this state directory, also by index generations
// that are lost (R24): the high-water mark is kept synced, in steps.
class NodeIds {
 public:
  // `meta` is a table of the synced state environment.
  [[nodiscard]] static Result<std::unique_ptr<NodeIds>> open(store::Environment& state, store::Table meta);
  // Thread-safe.
  [[nodiscard]] Result<NodeId> next();
  // From now on hands out numbers above `used` only. For an index that outlived its state directory.
  [[nodiscard]] Result<void> raise_above(NodeId used);

 private:
  struct State;
  explicit NodeIds(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

// One complete or failed listing of one directory, applied while it streams in, in bounded memory: rows are
// added in batches, and only finish() removes what was not seen (invariant 4). Dropped without finish(), what
// was added stays and nothing is removed. Used by one thread at a time; must not outlive its tree.
//
// Listings of one directory may overlap: rows of one that began earlier do not overrule rows of one that
// began later, and once the later one finished, the earlier one changes nothing more.
class ListingUpdate {
 public:
  virtual ~ListingUpdate() = default;
  [[nodiscard]] virtual Result<void> add(std::span<const remote::Entry> entries) = 0;
  // `self`: the directory's own entry. Marks the directory as listed completely at `now`.
  // Reports what add() changed as well.
  [[nodiscard]] virtual Result<Changes> finish(const remote::Entry& self, WallTime now) = 0;
  // What add() changed and nobody was told yet: to be asked before a failed listing is dropped.
  [[nodiscard]] virtual Changes take_changes() = 0;
};

struct TreeOptions {
  store::Environment& index;
  store::Table first_table;  // Tree::table_names() sit from here on in Options::tables
  NodeIds& ids;
  // One share: its root is the mount's root. Nothing: the root lists the shares.
  std::optional<remote::Share> single_share;
};

// Thread-safe: readers run in parallel, writers queue. No call waits for anything but the local database.
class Tree {
 public:
  [[nodiscard]] static std::vector<std::string> table_names();
  // Creates the root when missing and purges superseded rows: no kernel knows them at start.
  [[nodiscard]] static Result<std::unique_ptr<Tree>> open(const TreeOptions& options);
  virtual ~Tree() = default;

  // Errors: stale (unknown node).
  [[nodiscard]] virtual Result<Inode> inode(NodeId node) const = 0;
  // Errors: stale, not_directory.
  [[nodiscard]] virtual Result<Lookup> lookup(NodeId parent, std::string_view name) const = 0;
  [[nodiscard]] virtual Result<DirectoryState> directory(NodeId node) const = 0;
  // Calls `row` for names with an offset above `after`, in offset order, until it returns false or none is
  // left. `row` runs inside a read transaction: it copies what it needs, and never waits.
  [[nodiscard]] virtual Result<void> read_directory(
      NodeId node, std::uint64_t after, const std::function<bool(const DirectoryRow&)>& row) const = 0;
  // not_found for the root of a mount of all shares.
  [[nodiscard]] virtual Result<Location> location(NodeId node) const = 0;
  // When the server last confirmed this file: the later of its own and its directory's complete listing.
  [[nodiscard]] virtual Result<WallTime> verified(const Inode& inode) const = 0;

  // The list of shares, for a mount of all of them; complete.
  [[nodiscard]] virtual Result<Changes> apply_shares(std::span<const remote::Share> shares, WallTime now) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<ListingUpdate>> begin_listing(NodeId directory) = 0;
  // A fresh answer about one node. Another version of a file gives its name a new node and supersedes this
  // one.
  [[nodiscard]] virtual Result<Changes> apply_entry(NodeId node, const remote::Entry& entry,
                                                    WallTime now) = 0;
  // Confirmed absence (R5) of one node, with all below it.
  [[nodiscard]] virtual Result<Changes> apply_absence(NodeId node) = 0;

  // The kernel forgot the node: releases its row when it is superseded (K8).
  [[nodiscard]] virtual Result<void> forget(NodeId node) = 0;

  struct Totals {
    std::uint64_t inodes = 0;
    std::uint64_t directories_listed = 0;
  };
  [[nodiscard]] virtual Result<Totals> totals() const = 0;
};

}  // namespace nithronfs::tree

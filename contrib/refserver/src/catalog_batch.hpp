// One write transaction on a catalog: brings its rows in line with the disk and journals the differences.
//
// Everything that is seen on the disk (events, scans, requests that meet an unknown file) ends in the same
// step, settle(): compare what is known of one name with what is there, and record the difference. So the
// order in which events arrive does not matter, and an event about what is already recorded does nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "catalog_store.hpp"

namespace refserver {

// Told about directories while the batch runs, before their content is read, so that a watch set here misses
// nothing.
class DirectoryObserver {
 public:
  virtual ~DirectoryObserver() = default;
  virtual void directory_appeared(std::uint64_t id, const std::string& path) = 0;
  virtual void directory_gone(std::uint64_t id) = 0;
};

// Excluded names, and those that JSON cannot carry.
bool hidden_from_feed(const Share& share, std::string_view path);

// A name in a directory.
struct Slot {
  std::uint64_t parent = 0;
  std::string name;
  auto operator<=>(const Slot&) const = default;
};

class CatalogBatch {
 public:
  enum class Journal { write, skip };  // skip: the first scan of a share, which has no past to report

  CatalogBatch(const CatalogStore& store, const Share& share, DirectoryObserver* observer,
               Journal journal = Journal::write);

  // What the server itself did; see Catalog::Mutation.
  std::uint64_t created(std::string_view path, const struct stat& now);
  std::uint64_t modified(std::string_view path, const struct stat& now);
  std::uint64_t removed(std::string_view path);
  std::uint64_t renamed(std::string_view from, std::string_view to, const struct stat& now);

  // What was seen. False: the directory is not where the catalog believes it to be (a rename that is still
  // to be reported); look again later.
  //
  // `Absence::pending`: the sighting was not about the name going away. If it is gone all the same, an event
  // that says how (deleted, or renamed to what) is on its way, and nothing is concluded before it is here.
  enum class Absence { final, pending };
  bool settle_slot(const Slot& slot, Absence absence = Absence::final);
  bool settle_rename(const Slot& from, const Slot& to);
  void settle_path(std::string_view path);  // every component, from the top
  enum class Depth { new_only, everything };
  bool scan_directory(std::uint64_t id, Depth depth);
  // Scans what was queued by the above, until nothing is left or `budget` changes were made.
  bool scan_queued(Depth depth, std::size_t budget = SIZE_MAX);
  std::deque<std::uint64_t> take_queue() { return std::exchange(queue_, {}); }
  void queue(std::deque<std::uint64_t> ids) { queue_ = std::move(ids); }

  const Transaction& transaction() const { return txn_; }
  Transaction& transaction() { return txn_; }
  std::size_t change_count() const { return change_count_; }
  std::uint64_t last_seq() const { return counters_.last_seq; }
  void commit(std::size_t journal_limit);

 private:
  struct Seen {
    Fingerprint fingerprint;
    std::uint32_t mode = 0;
    bool is_dir() const { return S_ISDIR(mode); }
  };
  static std::optional<Seen> relevant(const struct stat& status);
  struct Directory {
    std::uint64_t id = 0;
    std::string path;
    UniqueFd fd;
  };

  Directory* open_directory(std::uint64_t id);
  std::optional<Seen> look(const Directory& directory, const std::string& name) const;
  std::uint64_t settle(std::uint64_t parent, std::string_view parent_path, std::string_view name,
                       const std::optional<Node>& known, const std::optional<Seen>& actual);
  std::uint64_t own_change(std::string_view path, const struct stat& now);
  std::uint64_t add(std::uint64_t parent, std::string_view name, std::string_view path, const Seen& actual);
  std::uint64_t update(std::uint64_t parent, std::string_view name, std::string_view path, Node node,
                       const Seen& actual);
  std::uint64_t forget(std::uint64_t parent, std::string_view name, std::string_view path, const Node& node);
  void forget_rows(std::uint64_t parent, std::string_view name, const Node& node);
  std::uint64_t relocate(const Slot& from, const std::string& from_path, const Slot& to,
                         const std::string& to_path, Node node, const Seen& actual);
  void emit_tree(std::uint64_t id, const std::string& path);
  std::uint64_t emit(ChangeKind kind, std::string_view path, const Node& node,
                     std::string_view old_path = {});

  const CatalogStore& store_;
  const Share& share_;
  DirectoryObserver* observer_;
  Journal journal_;
  Transaction txn_;
  Counters counters_;
  std::size_t change_count_ = 0;
  std::optional<Directory> open_;  // the directory used last
  std::deque<std::uint64_t> queue_;
};

}  // namespace refserver

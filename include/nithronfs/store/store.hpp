// LMDB with owners for its handles and errors as values. The only door to LMDB.
//
// Rules it enforces (K20): MDB_NOTLS, one map size given at open, maxreaders set; a ReadTxn must not live
// across a wait, which is why it cannot be copied or moved into a completion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nithronfs/util/result.hpp"

struct MDB_txn;
struct MDB_cursor;

namespace nithronfs::store {

class DirectoryLock;

enum class Durability {
  synced,    // every commit survives a power cut
  unsynced,  // a commit survives a crash of the process; after a power cut the database is to be thrown away
};

struct Options {
  std::string directory;                         // created when missing, mode 0700
  std::size_t map_size = std::size_t{64} << 30;  // bytes of address space, not of disk
  unsigned max_readers = 128;
  std::vector<std::string> tables;  // all that will ever be opened
  Durability durability = Durability::synced;
};

// Index into Options::tables.
enum class Table : std::uint32_t {};

class Environment;

// A consistent view. Bytes that it returns are valid while it lives.
class ReadTxn {
 public:
  ReadTxn(const ReadTxn&) = delete;
  ReadTxn& operator=(const ReadTxn&) = delete;
  ReadTxn(ReadTxn&&) = delete;
  ReadTxn& operator=(ReadTxn&&) = delete;
  ~ReadTxn();

  // Errors: corrupt, io, out_of_memory. Absent keys are no error.
  [[nodiscard]] Result<std::optional<std::string_view>> get(Table table, std::string_view key) const;
  // Number of rows.
  [[nodiscard]] Result<std::uint64_t> count(Table table) const;

 protected:
  friend class Environment;
  friend class Cursor;
  ReadTxn(const Environment& environment, bool write);
  const Environment& environment_;
  MDB_txn* txn_ = nullptr;
  int begin_error_ = 0;  // reported by every use
  const bool write_;
  mutable unsigned open_cursors_ = 0;
};

// The one writer; Environment::write waits for the other. Dropped without commit() it changes nothing.
// Begins, works and ends on one thread. Bytes that it returned are valid until its next change. Common
// errors: no_space (the disk), out_of_memory (the map), corrupt, io; after one, only dropping it is left to
// do.
class WriteTxn : public ReadTxn {
 public:
  [[nodiscard]] Result<void> put(Table table, std::string_view key, std::string_view value);
  // Appends; fails with exists unless `key` sorts after every key of the table.
  [[nodiscard]] Result<void> append(Table table, std::string_view key, std::string_view value);
  // True when it was there.
  [[nodiscard]] Result<bool> erase(Table table, std::string_view key);
  // Removes all rows.
  [[nodiscard]] Result<void> clear(Table table);
  // Ends it, also when it fails; no Cursor may be left.
  [[nodiscard]] Result<void> commit();

 private:
  friend class Environment;
  explicit WriteTxn(const Environment& environment);
  [[nodiscard]] Result<void> put_with(Table table, std::string_view key, std::string_view value,
                                      unsigned flags);
};

struct Row {
  std::string_view key;
  std::string_view value;
};

// Walks one table in key order (unsigned bytes). Must not outlive its transaction. After a change to the
// table through a WriteTxn, go on with seek.
class Cursor {
 public:
  Cursor(const ReadTxn& txn, Table table);
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  ~Cursor();
  // First row with a key at or after `key`; the table's first for an empty one.
  [[nodiscard]] Result<std::optional<Row>> seek(std::string_view key);
  [[nodiscard]] Result<std::optional<Row>> next();
  [[nodiscard]] Result<std::optional<Row>> last();

 private:
  [[nodiscard]] Result<std::optional<Row>> move(std::string_view key, int operation);
  const ReadTxn& txn_;
  MDB_cursor* cursor_ = nullptr;
  int open_error_ = 0;
};

// Thread-safe; transactions are not.
class Environment {
 public:
  // Errors: busy (another process, which the message names), corrupt, no_space, permission, io,
  // invalid_argument.
  [[nodiscard]] static Result<std::unique_ptr<Environment>> open(const Options& options);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  [[nodiscard]] ReadTxn read() const { return ReadTxn(*this, false); }
  [[nodiscard]] WriteTxn write() { return WriteTxn(*this); }
  // Makes all commits so far survive a power cut.
  [[nodiscard]] Result<void> sync();
  [[nodiscard]] std::uint64_t bytes_on_disk() const;

 private:
  friend class ReadTxn;
  friend class WriteTxn;
  friend class Cursor;
  friend class DisposableEnvironment;
  struct State;
  explicit Environment(std::unique_ptr<State> state);
  [[nodiscard]] static Result<std::unique_ptr<Environment>> open_locked(
      const Options& options, std::shared_ptr<const DirectoryLock> lock);
  std::unique_ptr<State> state_;
};

}  // namespace nithronfs::store

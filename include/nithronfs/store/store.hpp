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

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

namespace nithronfs::store {

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
  int begin_error_ = 0;  // reported by the first use
};

// The one writer; begin_write waits for the other. Dropped without commit() it changes nothing.
class WriteTxn : public ReadTxn {
 public:
  [[nodiscard]] Result<void> put(Table table, std::string_view key, std::string_view value);
  // Appends; fails with exists unless `key` sorts after every key of the table.
  [[nodiscard]] Result<void> append(Table table, std::string_view key, std::string_view value);
  // True when it was there.
  [[nodiscard]] Result<bool> erase(Table table, std::string_view key);
  [[nodiscard]] Result<void> commit();

 private:
  friend class Environment;
  explicit WriteTxn(const Environment& environment);
};

struct Row {
  std::string_view key;
  std::string_view value;
};

// Walks one table in key order (unsigned bytes). Must not outlive its transaction.
class Cursor {
 public:
  Cursor(const ReadTxn& txn, Table table);
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  ~Cursor();
  // First row with a key at or after `key`.
  [[nodiscard]] Result<std::optional<Row>> seek(std::string_view key);
  [[nodiscard]] Result<std::optional<Row>> next();
  [[nodiscard]] Result<std::optional<Row>> last();

 private:
  MDB_cursor* cursor_ = nullptr;
  int open_error_ = 0;
};

// Thread-safe; transactions are not.
class Environment {
 public:
  // Errors: busy, corrupt, no_space, permission, io.
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
  Environment() = default;
  MDB_env* env_ = nullptr;
  std::vector<unsigned> dbis_;
  std::string directory_;
};

}  // namespace nithronfs::store

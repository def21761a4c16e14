// LMDB with ownership: an environment, transactions that abort unless committed, tables and cursors.
//
// Failures of LMDB (disk full, map full, corruption) are thrown as DatabaseError: no handler can go on
// without its database, and the request that met it is answered with 500. A missing key is not a failure.
#pragma once

#include <lmdb.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace refserver {

class DatabaseError : public std::runtime_error {
 public:
  DatabaseError(const char* what, int code);
};

using Table = MDB_dbi;

class Database {
 public:
  // Creates the directory where it is missing.
  Database(const std::filesystem::path& directory, unsigned table_limit);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Table open_table(const char* name);  // before threads use the database
  MDB_env* raw() const { return env_; }

 private:
  MDB_env* env_ = nullptr;
};

class Transaction {
 public:
  enum class Kind { read, write };

  Transaction(const Database& database, Kind kind);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // Views stay valid until the next change in this transaction or its end.
  std::optional<std::string_view> get(Table table, std::string_view key) const;
  void put(Table table, std::string_view key, std::string_view value);
  void append(Table table, std::string_view key, std::string_view value);  // key above all others
  bool remove(Table table, std::string_view key);                          // false: was not there
  std::size_t count(Table table) const;
  void commit();

  MDB_txn* raw() const { return txn_; }

 private:
  MDB_txn* txn_ = nullptr;
};

// A position in a table. Moving functions say whether there is an entry.
class Cursor {
 public:
  Cursor(const Transaction& transaction, Table table);
  ~Cursor();
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  bool seek(std::string_view key);  // the first entry at or after key
  bool first();
  bool last();
  bool next();
  void remove();  // the current entry; next() goes on after it

  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }

 private:
  bool move(MDB_cursor_op op, std::string_view from);
  MDB_cursor* cursor_ = nullptr;
  std::string_view key_;
  std::string_view value_;
};

}  // namespace refserver

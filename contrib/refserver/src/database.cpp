// Ownership and error handling around LMDB.
#include "database.hpp"

#include <fmt/format.h>

namespace refserver {
namespace {

// Address space, not disk: the file grows with its content.
constexpr std::size_t map_size = std::size_t{16} << 30;
constexpr unsigned reader_limit = 1200;  // more than the connections that can be open at once

void check(int code, const char* what) {
  if (code != MDB_SUCCESS) throw DatabaseError(what, code);
}

MDB_val to_val(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};  // NOLINT: LMDB does not write through it
}

std::string_view to_view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

}  // namespace

DatabaseError::DatabaseError(const char* what, int code)
    : std::runtime_error(fmt::format("database: {}: {}", what, mdb_strerror(code))) {}

Database::Database(const std::filesystem::path& directory, unsigned table_limit) {
  std::filesystem::create_directories(directory);
  check(mdb_env_create(&env_), "create");
  int code = mdb_env_set_mapsize(env_, map_size);
  if (code == MDB_SUCCESS) code = mdb_env_set_maxdbs(env_, table_limit);
  if (code == MDB_SUCCESS) code = mdb_env_set_maxreaders(env_, reader_limit);
  // NOTLS: a read transaction belongs to its object, not to the thread that happens to run it.
  if (code == MDB_SUCCESS) code = mdb_env_open(env_, directory.c_str(), MDB_NOTLS | MDB_NORDAHEAD, 0600);
  if (code != MDB_SUCCESS) {
    mdb_env_close(env_);
    throw DatabaseError(directory.c_str(), code);
  }
}

Database::~Database() {
  mdb_env_close(env_);
}

Table Database::open_table(const char* name) {
  Transaction transaction(*this, Transaction::Kind::write);
  Table table = 0;
  check(mdb_dbi_open(transaction.raw(), name, MDB_CREATE, &table), "open table");
  transaction.commit();
  return table;
}

Transaction::Transaction(const Database& database, Kind kind) {
  check(mdb_txn_begin(database.raw(), nullptr, kind == Kind::read ? MDB_RDONLY : 0U, &txn_), "begin");
}

Transaction::~Transaction() {
  if (txn_ != nullptr) mdb_txn_abort(txn_);
}

std::optional<std::string_view> Transaction::get(Table table, std::string_view key) const {
  auto wanted = to_val(key);
  MDB_val found{};
  int code = mdb_get(txn_, table, &wanted, &found);
  if (code == MDB_NOTFOUND) return std::nullopt;
  check(code, "get");
  return to_view(found);
}

void Transaction::put(Table table, std::string_view key, std::string_view value) {
  auto k = to_val(key);
  auto v = to_val(value);
  check(mdb_put(txn_, table, &k, &v, 0), "put");
}

void Transaction::append(Table table, std::string_view key, std::string_view value) {
  auto k = to_val(key);
  auto v = to_val(value);
  check(mdb_put(txn_, table, &k, &v, MDB_APPEND), "append");
}

bool Transaction::remove(Table table, std::string_view key) {
  auto k = to_val(key);
  int code = mdb_del(txn_, table, &k, nullptr);
  if (code == MDB_NOTFOUND) return false;
  check(code, "delete");
  return true;
}

std::size_t Transaction::count(Table table) const {
  MDB_stat status{};
  check(mdb_stat(txn_, table, &status), "stat");
  return status.ms_entries;
}

void Transaction::commit() {
  auto* txn = std::exchange(txn_, nullptr);
  check(mdb_txn_commit(txn), "commit");
}

Cursor::Cursor(const Transaction& transaction, Table table) {
  check(mdb_cursor_open(transaction.raw(), table, &cursor_), "open cursor");
}

Cursor::~Cursor() {
  mdb_cursor_close(cursor_);
}

bool Cursor::move(MDB_cursor_op op, std::string_view from) {
  auto key = to_val(from);
  MDB_val value{};
  int code = mdb_cursor_get(cursor_, &key, &value, op);
  if (code == MDB_NOTFOUND) return false;
  check(code, "cursor");
  key_ = to_view(key);
  value_ = to_view(value);
  return true;
}

bool Cursor::seek(std::string_view key) {
  return move(MDB_SET_RANGE, key);
}
bool Cursor::first() {
  return move(MDB_FIRST, {});
}
bool Cursor::last() {
  return move(MDB_LAST, {});
}
bool Cursor::next() {
  return move(MDB_NEXT, {});
}
void Cursor::remove() {
  check(mdb_cursor_del(cursor_, 0), "cursor delete");
}

}  // namespace refserver

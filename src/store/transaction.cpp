// Reading, writing and walking inside one transaction.
#include <cassert>

#include "environment_state.hpp"
#include "lmdb_error.hpp"

namespace nithronfs::store {
namespace {

MDB_val value_of(std::string_view bytes) {
  // LMDB's interface has no const; it does not write through keys and values that it is given.
  return MDB_val{bytes.size(), const_cast<char*>(bytes.data())};
}

std::string_view view_of(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

}  // namespace

ReadTxn::ReadTxn(const Environment& environment, bool write) : environment_(environment), write_(write) {
  Environment::State& state = *environment.state_;
  if (write) {
    begin_error_ = mdb_txn_begin(state.env.get(), nullptr, 0, &txn_);
  } else {
    txn_ = state.readers->take(begin_error_);
  }
}

ReadTxn::~ReadTxn() {
  assert(open_cursors_ == 0 && "a cursor outlives its transaction");
  if (txn_ == nullptr) return;
  if (write_) {
    mdb_txn_abort(txn_);
  } else {
    environment_.state_->readers->give_back(txn_);
  }
}

Result<std::optional<std::string_view>> ReadTxn::get(Table table, std::string_view key) const {
  if (txn_ == nullptr) return fail(lmdb_error("cannot begin to read the database", begin_error_));
  MDB_val wanted = value_of(key);
  MDB_val found{};
  const int rc = mdb_get(txn_, environment_.state_->dbi(table), &wanted, &found);
  if (rc == 0) return view_of(found);
  if (rc == MDB_NOTFOUND) return std::optional<std::string_view>();
  return fail(lmdb_error("cannot read the database", rc));
}

Result<std::uint64_t> ReadTxn::count(Table table) const {
  if (txn_ == nullptr) return fail(lmdb_error("cannot begin to read the database", begin_error_));
  MDB_stat stat{};
  if (const int rc = mdb_stat(txn_, environment_.state_->dbi(table), &stat); rc != 0) {
    return fail(lmdb_error("cannot read the database", rc));
  }
  return stat.ms_entries;
}

WriteTxn::WriteTxn(const Environment& environment) : ReadTxn(environment, true) {}

Result<void> WriteTxn::put_with(Table table, std::string_view key, std::string_view value, unsigned flags) {
  if (txn_ == nullptr) return fail(lmdb_error("cannot begin to write the database", begin_error_));
  MDB_val at = value_of(key);
  MDB_val bytes = value_of(value);
  if (const int rc = mdb_put(txn_, environment_.state_->dbi(table), &at, &bytes, flags); rc != 0) {
    return fail(lmdb_error("cannot write the database", rc));
  }
  return {};
}

Result<void> WriteTxn::put(Table table, std::string_view key, std::string_view value) {
  return put_with(table, key, value, 0);
}

Result<void> WriteTxn::append(Table table, std::string_view key, std::string_view value) {
  return put_with(table, key, value, MDB_APPEND);
}

Result<bool> WriteTxn::erase(Table table, std::string_view key) {
  if (txn_ == nullptr) return fail(lmdb_error("cannot begin to write the database", begin_error_));
  MDB_val at = value_of(key);
  const int rc = mdb_del(txn_, environment_.state_->dbi(table), &at, nullptr);
  if (rc == 0) return true;
  if (rc == MDB_NOTFOUND) return false;
  return fail(lmdb_error("cannot write the database", rc));
}

Result<void> WriteTxn::clear(Table table) {
  if (txn_ == nullptr) return fail(lmdb_error("cannot begin to write the database", begin_error_));
  if (const int rc = mdb_drop(txn_, environment_.state_->dbi(table), 0); rc != 0) {
    return fail(lmdb_error("cannot empty a table", rc));
  }
  return {};
}

Result<void> WriteTxn::commit() {
  assert(open_cursors_ == 0 && "LMDB frees the cursors of a write transaction at its end");
  if (txn_ == nullptr) return fail(lmdb_error("cannot begin to write the database", begin_error_));
  const int rc = mdb_txn_commit(txn_);
  txn_ = nullptr;
  begin_error_ = MDB_BAD_TXN;
  if (rc != 0) return fail(lmdb_error("cannot commit to the database", rc));
  return {};
}

Cursor::Cursor(const ReadTxn& txn, Table table) : txn_(txn) {
  ++txn_.open_cursors_;
  if (txn.txn_ == nullptr) {
    open_error_ = txn.begin_error_;
  } else {
    open_error_ = mdb_cursor_open(txn.txn_, txn.environment_.state_->dbi(table), &cursor_);
  }
}

Cursor::~Cursor() {
  --txn_.open_cursors_;
  if (cursor_ != nullptr) mdb_cursor_close(cursor_);
}

Result<std::optional<Row>> Cursor::move(std::string_view key, int operation) {
  if (cursor_ == nullptr) return fail(lmdb_error("cannot begin to read the database", open_error_));
  MDB_val at = value_of(key);
  MDB_val value{};
  const int rc = mdb_cursor_get(cursor_, &at, &value, static_cast<MDB_cursor_op>(operation));
  if (rc == 0) return Row{view_of(at), view_of(value)};
  if (rc == MDB_NOTFOUND) return std::optional<Row>();
  return fail(lmdb_error("cannot read the database", rc));
}

Result<std::optional<Row>> Cursor::seek(std::string_view key) {
  return move(key, key.empty() ? MDB_FIRST : MDB_SET_RANGE);
}
Result<std::optional<Row>> Cursor::next() {
  return move({}, MDB_NEXT);
}
Result<std::optional<Row>> Cursor::last() {
  return move({}, MDB_LAST);
}

}  // namespace nithronfs::store

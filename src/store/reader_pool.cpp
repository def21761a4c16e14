// Taking and giving back idle read transactions.
#include "reader_pool.hpp"

#include <lmdb.h>

#include <algorithm>

namespace nithronfs::store {
namespace {

std::size_t home_slot() {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t home = threads.fetch_add(1, std::memory_order_relaxed);
  return home;
}

}  // namespace

ReaderPool::ReaderPool(MDB_env* environment, unsigned max_readers)
    : environment_(environment), slots_(std::min<std::size_t>(kSlots, max_readers / 2)) {}

ReaderPool::~ReaderPool() {
  for (auto& slot : idle_) {
    if (MDB_txn* txn = slot.exchange(nullptr)) mdb_txn_abort(txn);
  }
}

MDB_txn* ReaderPool::take(int& error) {
  const std::size_t home = home_slot();
  for (std::size_t i = 0; i < slots_; ++i) {
    auto& slot = idle_[(home + i) % slots_];
    if (slot.load(std::memory_order_relaxed) == nullptr) continue;
    MDB_txn* txn = slot.exchange(nullptr, std::memory_order_acquire);
    if (txn == nullptr) continue;
    error = mdb_txn_renew(txn);
    if (error == 0) return txn;
    mdb_txn_abort(txn);
    return nullptr;
  }
  MDB_txn* txn = nullptr;
  error = mdb_txn_begin(environment_, nullptr, MDB_RDONLY, &txn);
  return error == 0 ? txn : nullptr;
}

void ReaderPool::give_back(MDB_txn* txn) {
  mdb_txn_reset(txn);
  const std::size_t home = home_slot();
  for (std::size_t i = 0; i < slots_; ++i) {
    MDB_txn* empty = nullptr;
    auto& slot = idle_[(home + i) % slots_];
    if (slot.load(std::memory_order_relaxed) == nullptr &&
        slot.compare_exchange_strong(empty, txn, std::memory_order_release, std::memory_order_relaxed)) {
      return;
    }
  }
  mdb_txn_abort(txn);
}

}  // namespace nithronfs::store

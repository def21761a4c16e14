// Read transactions kept for reuse: renewing one costs a tenth of beginning one.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

struct MDB_env;
struct MDB_txn;

namespace nithronfs::store {

// Thread-safe and free of locks. Each idle transaction sits in a slot of its own, which makes taking it one
// atomic exchange; threads start looking at different slots, so that they rarely meet.
class ReaderPool {
 public:
  ReaderPool(MDB_env* environment, unsigned max_readers);
  ~ReaderPool();  // before the environment is closed
  ReaderPool(const ReaderPool&) = delete;
  ReaderPool& operator=(const ReaderPool&) = delete;

  // A transaction that sees the latest commit; null and an LMDB code in `error` when there is none.
  [[nodiscard]] MDB_txn* take(int& error);
  void give_back(MDB_txn* txn);

 private:
  static constexpr std::size_t kSlots = 32;
  MDB_env* const environment_;
  const std::size_t slots_;  // below max_readers: idle transactions occupy reader slots
  std::array<std::atomic<MDB_txn*>, kSlots> idle_{};
};

}  // namespace nithronfs::store

// What an Environment holds, for the transactions that work on it.
#pragma once

#include <lmdb.h>

#include <memory>
#include <string>
#include <vector>

#include "directory_lock.hpp"
#include "nithronfs/store/store.hpp"
#include "reader_pool.hpp"

namespace nithronfs::store {

struct CloseEnvironment {
  void operator()(MDB_env* env) const { mdb_env_close(env); }
};

// Constant after open; the members synchronise themselves. Destroyed bottom up: readers, database, lock.
struct Environment::State {
  std::shared_ptr<const DirectoryLock> lock;
  std::unique_ptr<MDB_env, CloseEnvironment> env;
  std::vector<MDB_dbi> tables;
  std::unique_ptr<ReaderPool> readers;

  [[nodiscard]] MDB_dbi dbi(Table table) const { return tables[static_cast<std::size_t>(table)]; }
};

}  // namespace nithronfs::store

// Opening and closing LMDB, with everything checked that would otherwise end in a signal later.
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "environment_state.hpp"
#include "lmdb_error.hpp"

namespace nithronfs::store {
namespace {

// A file that lost its end (a full disk, a copy that stopped) would kill us with SIGBUS at the first look
// behind it, so this is found out before.
Result<void> check_complete(MDB_env* env, const std::string& directory) {
  MDB_envinfo info{};
  MDB_stat page{};
  int fd = -1;
  struct stat file{};
  if (const int rc = mdb_env_info(env, &info); rc != 0) return fail(lmdb_error("mdb_env_info", rc));
  if (const int rc = mdb_env_stat(env, &page); rc != 0) return fail(lmdb_error("mdb_env_stat", rc));
  if (const int rc = mdb_env_get_fd(env, &fd); rc != 0) return fail(lmdb_error("mdb_env_get_fd", rc));
  if (::fstat(fd, &file) != 0) return fail(system_error("cannot stat the database", errno));
  const auto needed = (info.me_last_pgno + 1) * page.ms_psize;
  if (static_cast<std::size_t>(file.st_size) < needed) {
    return fail(Errc::corrupt, fmt::format("the database in {} is cut short", directory));
  }
  return {};
}

Result<std::vector<MDB_dbi>> open_tables(MDB_env* env, const std::vector<std::string>& names) {
  MDB_txn* txn = nullptr;
  if (const int rc = mdb_txn_begin(env, nullptr, 0, &txn); rc != 0)
    return fail(lmdb_error("cannot begin", rc));
  std::vector<MDB_dbi> tables;
  for (const std::string& name : names) {
    MDB_dbi dbi = 0;
    if (const int rc = mdb_dbi_open(txn, name.c_str(), MDB_CREATE, &dbi); rc != 0) {
      mdb_txn_abort(txn);
      return fail(lmdb_error(fmt::format("cannot open table {}", name), rc));
    }
    tables.push_back(dbi);
  }
  if (const int rc = mdb_txn_commit(txn); rc != 0) return fail(lmdb_error("cannot create the tables", rc));
  return tables;
}

}  // namespace

Environment::Environment(std::unique_ptr<State> state) : state_(std::move(state)) {}
Environment::~Environment() = default;

Result<std::unique_ptr<Environment>> Environment::open(const Options& options) {
  auto lock = DirectoryLock::acquire(options.directory);
  if (!lock) return fail(lock.error());
  return open_locked(options, *std::move(lock));
}

Result<std::unique_ptr<Environment>> Environment::open_locked(const Options& options,
                                                              std::shared_ptr<const DirectoryLock> lock) {
  const std::string what = fmt::format("cannot open the database in {}", options.directory);
  MDB_env* raw = nullptr;
  if (const int rc = mdb_env_create(&raw); rc != 0) return fail(lmdb_error(what, rc));
  auto state = std::make_unique<State>();
  state->lock = std::move(lock);
  state->env.reset(raw);

  int rc = mdb_env_set_mapsize(raw, options.map_size);
  if (rc == 0) rc = mdb_env_set_maxdbs(raw, static_cast<MDB_dbi>(options.tables.size()));
  if (rc == 0) rc = mdb_env_set_maxreaders(raw, options.max_readers);
  // No MDB_WRITEMAP: a stray pointer of ours must not be able to write into the database. No MDB_NOMEMINIT:
  // freed memory may hold secrets, which do not belong on disk (invariant 9).
  unsigned flags = MDB_NOTLS;
  if (options.durability == Durability::unsynced) flags |= MDB_NOSYNC | MDB_NOMETASYNC;
  if (rc == 0) rc = mdb_env_open(raw, options.directory.c_str(), flags, 0600);
  int dead_readers = 0;
  if (rc == 0) rc = mdb_reader_check(raw, &dead_readers);
  if (rc != 0) return fail(lmdb_error(what, rc));

  if (auto complete = check_complete(raw, options.directory); !complete) return fail(complete.error());
  auto tables = open_tables(raw, options.tables);
  if (!tables) return fail(tables.error());
  state->tables = *std::move(tables);
  state->readers = std::make_unique<ReaderPool>(raw, options.max_readers);
  return std::unique_ptr<Environment>(new Environment(std::move(state)));
}

Result<void> Environment::sync() {
  if (const int rc = mdb_env_sync(state_->env.get(), 1); rc != 0) {
    return fail(lmdb_error("cannot sync the database", rc));
  }
  return {};
}

std::uint64_t Environment::bytes_on_disk() const {
  int fd = -1;
  struct stat file{};
  if (mdb_env_get_fd(state_->env.get(), &fd) != 0 || ::fstat(fd, &file) != 0) return 0;
  return static_cast<std::uint64_t>(file.st_blocks) * 512;
}

}  // namespace nithronfs::store

// The table from LMDB's return codes to ours.
#include "lmdb_error.hpp"

#include <fmt/format.h>
#include <lmdb.h>

namespace nithronfs::store {
namespace {

Errc errc_of(int code) {
  switch (code) {
    case MDB_KEYEXIST:
      return Errc::exists;
    case MDB_NOTFOUND:
      return Errc::not_found;
    case MDB_PAGE_NOTFOUND:
    case MDB_CORRUPTED:
    case MDB_VERSION_MISMATCH:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
      return Errc::corrupt;
    case MDB_MAP_FULL:
      return Errc::out_of_memory;
    case MDB_TXN_FULL:
      return Errc::too_large;
    case MDB_READERS_FULL:
    case MDB_MAP_RESIZED:  // another process is at work in here, in spite of the lock
      return Errc::busy;
    case MDB_BAD_VALSIZE:  // an empty key or one above 511 bytes
    case MDB_BAD_DBI:
    case MDB_DBS_FULL:
      return Errc::invalid_argument;
    default:
      return code > 0 ? from_errno(code) : Errc::io;
  }
}

}  // namespace

Error lmdb_error(std::string_view what, int code) {
  return Error{errc_of(code), fmt::format("{}: {}", what, mdb_strerror(code))};
}

}  // namespace nithronfs::store

// The exhaustive tables from Errc to errno and to names.
#include "nithronfs/util/error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace nithronfs {

int to_errno(Errc code) noexcept {
  switch (code) {
    case Errc::not_found:
      return ENOENT;
    case Errc::stale:
      return ESTALE;
    case Errc::offline:
      return ENETUNREACH;
    case Errc::timed_out:
      return ETIMEDOUT;
    case Errc::interrupted:
      return EINTR;
    // The kernel restarts nothing for us here: who still waits after we gave up sees an I/O error.
    case Errc::cancelled:
      return EIO;
    case Errc::permission:
      return EACCES;
    // As NFS does when its ticket has run out: EACCES would blame the file.
    case Errc::not_logged_in:
      return EKEYEXPIRED;
    case Errc::read_only:
      return EROFS;
    case Errc::not_directory:
      return ENOTDIR;
    case Errc::is_directory:
      return EISDIR;
    case Errc::exists:
      return EEXIST;
    case Errc::not_empty:
      return ENOTEMPTY;
    case Errc::name_too_long:
      return ENAMETOOLONG;
    case Errc::bad_name:
      return EILSEQ;
    case Errc::invalid_argument:
      return EINVAL;
    case Errc::too_large:
      return EFBIG;
    case Errc::no_space:
      return ENOSPC;
    case Errc::out_of_memory:
      return ENOMEM;
    // The answer came and is nonsense: EPROTO would be honest, but few programs know it as a read error.
    case Errc::protocol:
      return EIO;
    case Errc::server:
      return EREMOTEIO;
    case Errc::busy:
      return EBUSY;
    case Errc::not_supported:
      return EOPNOTSUPP;
    case Errc::no_data:
      return ENODATA;
    case Errc::corrupt:
      return EIO;
    case Errc::io:
      return EIO;
  }
  return EIO;
}

std::string_view name_of(Errc code) noexcept {
  switch (code) {
    case Errc::not_found:
      return "not_found";
    case Errc::stale:
      return "stale";
    case Errc::offline:
      return "offline";
    case Errc::timed_out:
      return "timed_out";
    case Errc::interrupted:
      return "interrupted";
    case Errc::cancelled:
      return "cancelled";
    case Errc::permission:
      return "permission";
    case Errc::not_logged_in:
      return "not_logged_in";
    case Errc::read_only:
      return "read_only";
    case Errc::not_directory:
      return "not_directory";
    case Errc::is_directory:
      return "is_directory";
    case Errc::exists:
      return "exists";
    case Errc::not_empty:
      return "not_empty";
    case Errc::name_too_long:
      return "name_too_long";
    case Errc::bad_name:
      return "bad_name";
    case Errc::invalid_argument:
      return "invalid_argument";
    case Errc::too_large:
      return "too_large";
    case Errc::no_space:
      return "no_space";
    case Errc::out_of_memory:
      return "out_of_memory";
    case Errc::protocol:
      return "protocol";
    case Errc::server:
      return "server";
    case Errc::busy:
      return "busy";
    case Errc::not_supported:
      return "not_supported";
    case Errc::no_data:
      return "no_data";
    case Errc::corrupt:
      return "corrupt";
    case Errc::io:
      return "io";
  }
  return "unknown";
}

Errc from_errno(int error_number) noexcept {
  switch (error_number) {
    case ENOENT:
      return Errc::not_found;
    case ESTALE:
      return Errc::stale;
    case ETIMEDOUT:
      return Errc::timed_out;
    case EINTR:
      return Errc::interrupted;
    case EACCES:
    case EPERM:
      return Errc::permission;
    case EROFS:
      return Errc::read_only;
    case ENOTDIR:
      return Errc::not_directory;
    case EISDIR:
      return Errc::is_directory;
    case EEXIST:
      return Errc::exists;
    case ENOTEMPTY:
      return Errc::not_empty;
    case ENAMETOOLONG:
      return Errc::name_too_long;
    case EILSEQ:
      return Errc::bad_name;
    case EINVAL:
      return Errc::invalid_argument;
    case EFBIG:
      return Errc::too_large;
    case ENOSPC:
    case EDQUOT:
      return Errc::no_space;
    case ENOMEM:
      return Errc::out_of_memory;
    case EBUSY:
      return Errc::busy;
    case EOPNOTSUPP:
    case ENOSYS:
      return Errc::not_supported;
    case ENODATA:
      return Errc::no_data;
    default:
      return Errc::io;
  }
}

Error system_error(std::string_view what, int error_number) {
  return {from_errno(error_number),
          fmt::format("{}: {}", what, std::generic_category().message(error_number))};
}

}  // namespace nithronfs

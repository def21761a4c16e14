// The one error type that crosses module boundaries, and the one table that turns it into an errno.
#pragma once

#include <string>
#include <string_view>

namespace nithronfs {

// What went wrong, in the terms of the domain. A new member needs a row in to_errno() and in name_of():
// both are exhaustive switches, so the compiler asks for them.
enum class Errc {
  not_found,         // no such name, and that is known, not guessed
  stale,             // this version of the file, or this inode, is no longer to be had (invariant 2)
  offline,           // the server cannot be reached and what was asked is not cached
  timed_out,         // the deadline passed while waiting
  interrupted,       // the caller gave up (signal)
  cancelled,         // we gave up: seek, unmount, shutdown
  permission,        // the server refuses this account
  not_logged_in,     // no token, or token and refresh token both refused
  read_only,         // this mount, share or build does not change anything
  not_directory,     // a path component is a file
  is_directory,      // a file was expected
  exists,            // the name is taken
  not_empty,         // the directory is not empty
  name_too_long,     // a component above 255 bytes
  bad_name,          // not UTF-8, or a name that Linux cannot hold
  invalid_argument,  // the caller's mistake
  too_large,         // above a bound that we set
  no_space,          // the local disk is full
  out_of_memory,     // an allocation or a map limit
  protocol,          // the server's answer makes no sense; nothing of it was used
  server,            // the server says that it failed (5xx)
  busy,              // held by somebody else: a lock, another daemon
  not_supported,     // understood, and not offered
  no_data,           // no such attribute
  corrupt,           // our own data on disk does not check out
  io,                // the local disk or kernel failed
};

// The errno that a system call on the mount fails with. Total: every Errc has one.
[[nodiscard]] int to_errno(Errc code) noexcept;

// A stable name for logs and --json, such as "not_found".
[[nodiscard]] std::string_view name_of(Errc code) noexcept;

struct Error {
  Errc code;
  // One line in plain words for a person: what failed and, where it is known, what to do next. Never a
  // secret.
  std::string message;
};

// An Errc for an errno of a local system call; unknown values become Errc::io.
[[nodiscard]] Errc from_errno(int error_number) noexcept;

// An Error for a failed local system call: "WHAT: strerror".
[[nodiscard]] Error system_error(std::string_view what, int error_number);

}  // namespace nithronfs

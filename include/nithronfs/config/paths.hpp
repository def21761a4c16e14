// Where things are on this machine: XDG directories for a user, the system's for root, systemd's own where a
// unit names them.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "nithronfs/util/result.hpp"

namespace nithronfs::config {

// What the process was started with; tests fill it by hand.
struct Environment {
  uid_t uid = 0;
  std::string home;               // of this user, absolute
  std::string working_directory;  // absolute
  std::map<std::string, std::string, std::less<>> variables;

  [[nodiscard]] bool root() const { return uid == 0; }
  // Set and not empty.
  [[nodiscard]] std::optional<std::string> get(std::string_view name) const;
  // `path` made absolute against the working directory, "." and ".." resolved by spelling.
  [[nodiscard]] std::string absolute(std::string_view path) const;
};

// Reads the process; call it before threads start.
[[nodiscard]] Environment process_environment();

// All absolute. None of the directories needs to exist.
struct Paths {
  std::string cache_dir;    // of all mounts: each has a sub-directory named by its id
  std::string state_dir;    // likewise
  std::string config_dir;   // account files by default
  std::string config_file;  // sync.json
  std::string runtime_dir;  // sockets of running mounts
};

// root: /var/cache/nithronfs, /var/lib/nithronfs, /etc/nithronfs, /run/nithronfs. Others: XDG's cache, state
// and runtime directories, each with /nithronfs, and ~/.config/nithronos. CACHE_DIRECTORY, STATE_DIRECTORY,
// CONFIGURATION_DIRECTORY and RUNTIME_DIRECTORY, as systemd sets them, go first. Without XDG_RUNTIME_DIR a
// user's runtime directory is /tmp/nithronfs-UID: whoever creates it checks its owner and mode.
[[nodiscard]] Paths find_paths(const Environment& environment);

// Creates `path` with mode 0700, and missing parents as the umask says. Errors: permission when it exists and
// belongs to another user or others may write there; else what the system says.
[[nodiscard]] Result<void> make_private_directory(const std::string& path);

}  // namespace nithronfs::config

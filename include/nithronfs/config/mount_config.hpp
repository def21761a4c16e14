// Everything that is settled before a mount starts: command line over configuration file over defaults.
#pragma once

#include <string>
#include <string_view>

#include "nithronfs/config/arguments.hpp"
#include "nithronfs/config/config_file.hpp"
#include "nithronfs/config/mount_url.hpp"
#include "nithronfs/config/options.hpp"
#include "nithronfs/config/paths.hpp"
#include "nithronfs/util/result.hpp"

namespace nithronfs::config {

struct MountConfig {
  MountUrl url;  // share filled in from `share=` too
  std::string mountpoint;
  MountOptions options;
  Paths paths;
  std::string id;           // see mount_id()
  std::string cache_dir;    // of this mount
  std::string state_dir;    // of this mount
  std::string socket_path;  // <runtime directory>/<id>.sock
  bool allow_other = false;
  std::vector<std::string> notes;  // options that were accepted and do nothing in this version, one line each
};

// Pure. Errors: invalid_argument, not_supported; each names the option or the field.
[[nodiscard]] Result<MountConfig> resolve(const DaemonArguments& arguments, const ConfigFile& file,
                                          const Environment& environment);

// Reads the configuration file of `environment` and resolves.
[[nodiscard]] Result<MountConfig> load_mount_config(const DaemonArguments& arguments,
                                                    const Environment& environment);

// Sixteen hexadecimal digits, the same at every mount point and after every restart, so that a mount finds
// its cache and its state again. Two mounts with different server, share, account file or state directory
// have different ids. `account` and `state_dir` as in MountOptions.
[[nodiscard]] std::string mount_id(const MountUrl& url, std::string_view account, std::string_view state_dir);

// The effective options as a JSON object, one line per option.
[[nodiscard]] std::string to_json(const MountConfig& config);

}  // namespace nithronfs::config

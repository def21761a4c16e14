// sync.json: options for all mounts, and for single ones by their URL. Checked strictly.
//
//   {
//     "cache_size": "50G",                              any option by its name
//     "mounts": {
//       "https://nas.example.org/Photos": { "ro": true }
//     }
//   }
//
// Flags are true or false, numbers may be written as numbers, all else is text as on the command line.
// Unknown names, names that appear twice and values of the wrong kind are errors: a typing mistake must not
// mount with other options than its author meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nithronfs/config/mount_url.hpp"
#include "nithronfs/config/options.hpp"
#include "nithronfs/util/result.hpp"

namespace nithronfs::config {

struct ConfigFile {
  struct Mount {
    MountUrl url;
    std::vector<Setting> settings;
  };
  std::vector<Setting> settings;  // of all mounts
  std::vector<Mount> mounts;
};

// `name` is what messages call the file. Errors: invalid_argument, with line and column of a syntax error or
// the name of the field.
[[nodiscard]] Result<ConfigFile> parse_config(std::string_view text, const std::string& name);

// A file that does not exist is an empty one.
[[nodiscard]] Result<ConfigFile> read_config_file(const std::string& path);

}  // namespace nithronfs::config

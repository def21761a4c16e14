// The kernel's table of mounts, as this process sees it.
#pragma once

#include <optional>
#include <string>

namespace nithronfs::fuse {

struct MountEntry {
  std::string device;  // MAJOR:MINOR
  std::string type;    // such as fuse.nithronfs
  std::string source;
};

// What is mounted on top at `mountpoint`, an absolute path; nothing when it is no mount point. Sends no
// request to the file system that is mounted there.
[[nodiscard]] std::optional<MountEntry> find_mount(const std::string& mountpoint);

}  // namespace nithronfs::fuse

// A share: a directory tree that is served, and the only ways to reach into it.
//
// Paths inside a share ("share paths") are relative, without leading or trailing '/', with no empty, "." or
// ".." component; the root is the empty string. They come from share_path_from_url() or canonical_path() and
// are resolved by the kernel beneath the root (openat2), so that no name and no symlink leads out of it.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fd.hpp"

namespace refserver {

// full: the plan done right plus extensions. stock: what a server of late 2025 does, hazards included.
enum class Profile { full, stock };

// Names of this form belong to the server (bodies on their way in): never listed, served or reported. A
// component that starts like this is treated as not existing.
inline constexpr std::string_view internal_prefix = ".nithron-refserver-";
bool has_internal_component(std::string_view share_path);

struct Share {
  std::string id;
  std::string name;
  std::filesystem::path root;
  UniqueFd root_fd;
  bool read_only = false;
  // Symlinks that stay inside are followed by stock (loops included), by full none.
  bool follow_inner_symlinks = false;
  std::vector<std::string> exclude_patterns;  // of single components; hidden from the feed, not from WebDAV
  std::optional<std::uint64_t> max_size;      // of one file, bytes

  // True when a component of the path matches an exclude pattern.
  bool excludes(std::string_view share_path) const;
};

// All of these give errno on failure; ELOOP where a symlink was met that is not followed, EXDEV where the
// path would leave the share.
template <typename T>
using OrErrno = std::expected<T, int>;

OrErrno<UniqueFd> open_beneath(const Share& share, std::string_view share_path, int flags, mode_t mode = 0);
// Symlinks are not followed by full (the result is then S_ISLNK for the last component).
OrErrno<struct stat> stat_beneath(const Share& share, std::string_view share_path);

// Profile stock: whether the server may read it. A server run by root could read everything, so files and
// directories without any read permission bit count as unreadable; the hazards around them can be tested
// then.
inline bool is_readable(const struct stat& status) {
  return (status.st_mode & 0444) != 0;
}

// For unlinkat, mkdirat, renameat: the opened parent directory and the last component. EBUSY for the root.
struct ParentAndName {
  UniqueFd parent;
  std::string name;
};
OrErrno<ParentAndName> open_parent(const Share& share, std::string_view share_path);

// Checks and normalises a decoded path: "/a//b/" gives "a/b". None for "." and "..", NUL, components over
// 255 bytes or a path over 4095.
std::optional<std::string> canonical_path(std::string_view decoded);
// The same for the percent-encoded rest of a URL.
std::optional<std::string> share_path_from_url(std::string_view encoded);

std::string join_path(std::string_view parent, std::string_view name);
std::string_view parent_of(std::string_view share_path);
std::string_view name_of(std::string_view share_path);

}  // namespace refserver

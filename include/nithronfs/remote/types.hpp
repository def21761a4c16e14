// What a server has, in our words.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nithronfs/util/time.hpp"

namespace nithronfs::remote {

// As the server writes it: quotes and a weak mark included; compared as an opaque string (R9). Empty: none.
using ETag = std::string;

// One version of a file.
struct Version {
  ETag etag;
  std::uint64_t size = 0;
  Timestamp mtime;                                                   // decides where there is no etag
  friend bool operator==(const Version&, const Version&) = default;  // of the record; bytes: same_version()
};

enum class Kind : std::uint8_t { file, directory };

[[nodiscard]] inline std::string_view without_weak_mark(std::string_view etag) {
  return etag.starts_with("W/") ? etag.substr(2) : etag;
}

// Whether bytes of `a` may be served for `b` (K2, R9). Size and mtime must be equal: the kernel ignores new
// ones for an inode that it has cached. Etags are opaque, except for the weak mark: for a second after a
// change, Apache writes W/"x" for what it calls "x" from then on, and derives both from the same size and
// mtime. An answer without an etag (not every server has them) is judged by size and mtime alone.
[[nodiscard]] inline bool same_version(const Version& a, const Version& b) {
  if (a.size != b.size || a.mtime != b.mtime) return false;
  return a.etag.empty() || b.etag.empty() || without_weak_mark(a.etag) == without_weak_mark(b.etag);
}

// A row of a listing. `name` is one decoded path component, checked: UTF-8, 1..255 bytes, no '/', no NUL, not
// "." or "..". The entry of the listed collection itself has an empty name.
struct Entry {
  std::string name;
  Kind kind = Kind::file;
  Version version;                    // size 0 for directories
  std::optional<std::uint32_t> mode;  // permission bits, where the server knows them
};

struct Share {
  std::string id;    // what the wire uses
  std::string name;  // what people see; a valid file name
  std::uint64_t total_size = 0;
  std::uint64_t file_count = 0;
  std::vector<std::string> exclude_patterns;
  bool read_only = false;
};

struct Space {
  std::uint64_t total_bytes = 0;
  std::uint64_t available_bytes = 0;
};

// What the server can do beyond its profile's minimum.
struct Capabilities {
  bool changes_paged = false;
  bool changes_wait = false;
  bool dav_conditional = false;  // PUT is atomic, so one GET answer is one version (R8)
  bool dav_mtime = false;
  bool uploads = false;
  bool posix = false;
};

}  // namespace nithronfs::remote

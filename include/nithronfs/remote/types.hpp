// What a server has, in our words.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
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

// Equal bytes, as far as tags can tell: sizes equal, and etags equal but for the weak mark, which Apache
// takes off a tag after a second (R9); where a side has no etag, mtimes equal.
[[nodiscard]] bool same_version(const Version& a, const Version& b);

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

// The data files on disk: where they are, how they are made, marked, adopted and removed.
//
// Layout: DIR/data/XX/KEY, XX the first byte of the 32 hex digits of KEY. Each file is sparse and has the
// full size of its version from the start. The extended attribute user.nithronfs.version, set after the data
// was synced, says that every byte is there and of which version (K18), so that a lost index does not cost
// the cache.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "nithronfs/cache/cache.hpp"
#include "nithronfs/util/unique_fd.hpp"

namespace nithronfs::cache {

struct DataFile {
  UniqueFd fd;
  bool existed = false;   // with the right size, so that the index may be believed
  bool complete = false;  // carries the mark of exactly this version
};

[[nodiscard]] std::string to_hex(const DataKey& key);

// Thread-safe: no state but the path.
class DataDirectory {
 public:
  explicit DataDirectory(std::string directory) : directory_(std::move(directory)) {}

  // Makes the directory and its CACHEDIR.TAG, by which backup programs leave it out.
  [[nodiscard]] Result<void> prepare() const;
  // Nothing when there is no such file. Errors: permission, io.
  [[nodiscard]] Result<std::optional<DataFile>> open_existing(const FileSpec& spec) const;
  // Opens or creates; makes directories that somebody deleted. Errors: no_space, permission, io.
  [[nodiscard]] Result<DataFile> open(const FileSpec& spec) const;
  // After fdatasync of a file that is complete.
  [[nodiscard]] Result<void> mark_complete(int fd, std::string_view version) const;
  // Marked as complete, of whatever version.
  [[nodiscard]] bool has_any_mark(const DataKey& key) const;
  // Absent is fine.
  void remove(const DataKey& key) const;
  [[nodiscard]] std::string path_of(const DataKey& key) const;
  // Bytes that the file system has left for us.
  [[nodiscard]] Result<std::uint64_t> free_bytes() const;
  // Every data file, by name.
  [[nodiscard]] std::vector<DataKey> list() const;

 private:
  [[nodiscard]] static Result<DataFile> examine(UniqueFd fd, const FileSpec& spec, const std::string& path);
  std::string directory_;
};

}  // namespace nithronfs::cache

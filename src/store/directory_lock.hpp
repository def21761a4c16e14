// One process per database directory (R30).
#pragma once

#include <memory>
#include <string>

#include "nithronfs/util/result.hpp"
#include "nithronfs/util/unique_fd.hpp"

namespace nithronfs::store {

// Holds the directory from acquire() to destruction. Files are reached through the directory's descriptor, so
// that they are those of the locked directory even after somebody moved, deleted or replaced it.
class DirectoryLock {
 public:
  // Creates the directory when missing, mode 0700. Errors: busy, permission, no_space, io.
  [[nodiscard]] static Result<std::shared_ptr<const DirectoryLock>> acquire(const std::string& directory);

  [[nodiscard]] int directory_fd() const { return directory_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }
  // False after somebody deleted the lock file: another process may own the directory by now.
  [[nodiscard]] bool still_ours() const;

 private:
  DirectoryLock(std::string path, UniqueFd directory)
      : path_(std::move(path)), directory_(std::move(directory)) {}
  std::string path_;
  UniqueFd directory_;
  UniqueFd lock_;
};

}  // namespace nithronfs::store

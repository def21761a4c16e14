// Walks a directory, or a whole tree, one entry at a time and with bounded memory: a window of entries of the
// directory being read, and the names of directories still to be read.
#pragma once

#include <dirent.h>

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "call.hpp"

namespace refserver::dav {

struct WalkEntry {
  Resource resource;
  bool closed = false;  // a directory that may not be read: the walk does not go into it
};

class TreeWalk {
 public:
  // Yields what is below `root`, a directory; not `root` itself.
  TreeWalk(const Call& call, std::string root, bool recursive);

  // Parents come before their children; the order is otherwise the file system's (full) or random (stock).
  // nullopt at the end; errno when a directory could not be read to its end.
  OrErrno<std::optional<WalkEntry>> next();

 private:
  struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };

  // Each gives errno or 0.
  int open_next_directory();
  int fill_window();

  std::optional<WalkEntry> look_at(const char* name);

  Call call_;
  const bool recursive_;
  std::vector<std::string> pending_;
  std::string current_;
  std::unique_ptr<DIR, CloseDirectory> directory_;
  std::vector<WalkEntry> window_;
  std::mt19937 random_{std::random_device{}()};
};

}  // namespace refserver::dav

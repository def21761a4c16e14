// Reads directories for listings. What must not be shown (temporary files of the server, names that are not
// UTF-8, special files and, in profile full, symlinks) is left out here and nowhere else.
#include "tree_walk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "names.hpp"

namespace refserver::dav {
namespace {

constexpr std::size_t window_size = 512;

bool is_listed_name(std::string_view name) {
  return name != "." && name != ".." && !has_internal_component(name) && is_valid_utf8(name);
}

// Went away, or became something else, between being listed and being opened: nothing to tell.
bool has_vanished(int error_number) {
  return error_number == ENOENT || error_number == ENOTDIR || error_number == ELOOP ||
         error_number == EXDEV || error_number == ENAMETOOLONG;
}

}  // namespace

TreeWalk::TreeWalk(const Call& call, std::string root, bool recursive) : call_(call), recursive_(recursive) {
  pending_.push_back(std::move(root));
}

OrErrno<std::optional<WalkEntry>> TreeWalk::next() {
  while (window_.empty()) {
    if (!directory_) {
      if (pending_.empty()) return std::nullopt;
      if (const int error = open_next_directory(); error != 0) return std::unexpected(error);
      continue;
    }
    if (const int error = fill_window(); error != 0) return std::unexpected(error);
  }
  WalkEntry entry = std::move(window_.back());
  window_.pop_back();
  return entry;
}

int TreeWalk::open_next_directory() {
  current_ = std::move(pending_.back());
  pending_.pop_back();
  auto fd = open_beneath(*call_.share, current_, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (!fd) {
    // An unreadable directory looks like an empty one in stock.
    return has_vanished(fd.error()) || (!call_.full() && fd.error() == EACCES) ? 0 : fd.error();
  }
  directory_.reset(::fdopendir(fd->get()));
  if (!directory_) return errno;
  fd->release();  // owned by the stream now
  return 0;
}

int TreeWalk::fill_window() {
  while (window_.size() < window_size) {
    errno = 0;
    const dirent* found = ::readdir(directory_.get());  // NOLINT(concurrency-mt-unsafe): a stream of our own
    if (found == nullptr) {
      if (errno != 0) return errno;
      directory_.reset();
      break;
    }
    if (!is_listed_name(found->d_name)) continue;
    auto entry = look_at(found->d_name);
    if (!entry) continue;
    if (recursive_ && entry->resource.is_directory() && !entry->closed)
      pending_.push_back(entry->resource.path);
    window_.push_back(std::move(*entry));
  }
  if (!call_.full()) std::ranges::shuffle(window_, random_);
  return 0;
}

std::optional<WalkEntry> TreeWalk::look_at(const char* name) {
  const int directory = ::dirfd(directory_.get());
  if (directory < 0) return std::nullopt;  // never for an open stream
  WalkEntry entry{.resource = {join_path(current_, name), {}}};
  struct stat& status = entry.resource.status;
  if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  if (S_ISLNK(status.st_mode)) {
    const auto target = stat_beneath(*call_.share, entry.resource.path);
    if (!target) return std::nullopt;
    status = *target;  // stock: what the link leads to. full: still a link, dropped below
  }
  if (!entry.resource.is_directory() && !entry.resource.is_file()) return std::nullopt;
  if (entry.resource.is_file()) {
    if (!is_readable(call_, status)) return std::nullopt;  // stock leaves out what it cannot read
  } else if (recursive_) {
    entry.closed = !is_readable(call_, status) || ::faccessat(directory, name, R_OK | X_OK, AT_EACCESS) != 0;
  }
  return entry;
}

}  // namespace refserver::dav

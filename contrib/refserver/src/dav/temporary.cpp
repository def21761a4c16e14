// Hidden names in the file system, and their removal.
#include "temporary.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "dav.hpp"

namespace refserver::dav {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

Directory open_directory(int parent_fd, const char* name) {
  UniqueFd fd(::openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  Directory directory(fd ? ::fdopendir(fd.get()) : nullptr);
  if (directory) fd.release();
  return directory;
}

// Calls `visit` for each entry until it gives an errno.
template <typename Visitor>
int for_each_entry(DIR* directory, Visitor&& visit) {
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory);  // NOLINT(concurrency-mt-unsafe): a stream of our own
    if (entry == nullptr) return errno;
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (const int error = visit(name, entry->d_type); error != 0) return error;
  }
}

void sweep(int parent_fd, const char* name) {
  const Directory directory = open_directory(parent_fd, name);
  if (!directory) return;
  for_each_entry(directory.get(), [&](const std::string& entry, unsigned char type) {
    if (entry.starts_with(internal_prefix)) {
      remove_tree(::dirfd(directory.get()), entry);
    } else if (type == DT_DIR || type == DT_UNKNOWN) {
      sweep(::dirfd(directory.get()), entry.c_str());
    }
    return 0;
  });
}

}  // namespace

std::string hidden_name(std::string_view purpose) {
  std::uint64_t random = 0;
  [[maybe_unused]] const auto got = ::getrandom(&random, sizeof random, 0);  // never short at this size
  return fmt::format("{}{}-{:016x}", internal_prefix, purpose, random);
}

OrErrno<Temporary> Temporary::create_beside(const Share& share, std::string_view path, Kind kind) {
  auto place = open_parent(share, path);
  if (!place) return std::unexpected(place.error());
  Temporary made(std::move(place->parent), join_path(parent_of(path), hidden_name("new")));
  const std::string name = made.name();
  if (kind == Kind::directory && ::mkdirat(made.parent_.get(), name.c_str(), 0777) != 0) {
    return std::unexpected(errno);
  }
  const int flags = kind == Kind::directory ? O_RDONLY | O_DIRECTORY : O_RDWR | O_CREAT | O_EXCL;
  made.fd_.reset(::openat(made.parent_.get(), name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (!made.fd_) return std::unexpected(errno);
  return made;
}

OrErrno<Temporary> Temporary::hide(const Share& share, std::string_view path) {
  auto place = open_parent(share, path);
  if (!place) return std::unexpected(place.error());
  Temporary hidden(UniqueFd{}, join_path(parent_of(path), hidden_name("gone")));
  if (::renameat(place->parent.get(), place->name.c_str(), place->parent.get(), hidden.name().c_str()) != 0) {
    return std::unexpected(errno);
  }
  hidden.parent_ = std::move(place->parent);
  return hidden;
}

Temporary::~Temporary() {
  // What cannot be removed stays hidden, and is swept at the next start.
  if (parent_) remove_tree(parent_.get(), name());
}

int Temporary::write_all(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

int Temporary::publish(const Share& share, std::string_view path) {
  const auto place = open_parent(share, path);
  if (!place) return place.error();
  if (::renameat(parent_.get(), name().c_str(), place->parent.get(), place->name.c_str()) != 0) return errno;
  parent_.reset();
  return 0;
}

int remove_tree(int parent_fd, const std::string& name) {
  if (::unlinkat(parent_fd, name.c_str(), 0) == 0) return 0;
  if (errno != EISDIR && errno != EPERM) return errno;  // EPERM: what POSIX says of directories here
  const Directory directory = open_directory(parent_fd, name.c_str());
  if (!directory) return errno;
  const int error = for_each_entry(directory.get(), [&](const std::string& entry, unsigned char) {
    return remove_tree(::dirfd(directory.get()), entry);
  });
  if (error != 0) return error;
  return ::unlinkat(parent_fd, name.c_str(), AT_REMOVEDIR) == 0 ? 0 : errno;
}

}  // namespace refserver::dav

namespace refserver {

void sweep_leftovers(const Share& share) {
  dav::sweep(share.root_fd.get(), ".");
}

}  // namespace refserver

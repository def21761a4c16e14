// Copying by copy_file_range, which shares extents where the file system can, else by read and write.
#include "tree_copy.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "tree_walk.hpp"

namespace refserver::dav {
namespace {

int copy_by_hand(int source, int target) {
  std::array<std::byte, 65'536> buffer;
  for (;;) {
    const ssize_t got = ::read(source, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0 ? errno : 0;
    for (ssize_t done = 0; done < got;) {
      const ssize_t put = ::write(target, buffer.data() + done, static_cast<std::size_t>(got - done));
      if (put < 0 && errno != EINTR) return errno;
      if (put > 0) done += put;
    }
  }
}

int copy_bytes(int source, int target) {
  constexpr std::size_t piece = 1 << 30;
  for (;;) {
    const ssize_t copied = ::copy_file_range(source, nullptr, target, nullptr, piece, 0);
    if (copied == 0) return 0;
    if (copied > 0 || errno == EINTR) continue;
    const bool unsupported = errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP;
    return unsupported ? copy_by_hand(source, target) : errno;
  }
}

int copy_entry(const Call& call, const Resource& source, const std::string& target) {
  if (source.is_file()) {
    const auto fd = open_beneath(*call.share, target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return fd ? copy_file(call, source.path, fd->get()) : fd.error();
  }
  const auto place = open_parent(*call.share, target);
  if (!place) return place.error();
  return ::mkdirat(place->parent.get(), place->name.c_str(), 0777) == 0 ? 0 : errno;
}

}  // namespace

int copy_file(const Call& call, std::string_view from, int target_fd) {
  const auto source = open_beneath(*call.share, from, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (!source) return source.error();
  struct stat status{};
  if (::fstat(source->get(), &status) != 0) return errno;
  if (!S_ISREG(status.st_mode)) return EINVAL;
  ::fchmod(target_fd, status.st_mode & 0777);  // best effort: some file systems have no modes
  return copy_bytes(source->get(), target_fd);
}

int copy_contents(const Call& call, const std::string& from, const std::string& to,
                  std::vector<std::string>& copied) {
  TreeWalk walk(call, from, true);
  for (;;) {
    auto entry = walk.next();
    if (!entry) return entry.error();
    if (!*entry) return 0;
    const Resource& source = (*entry)->resource;
    std::string below = source.path.substr(from.empty() ? 0 : from.size() + 1);
    if (const int error = copy_entry(call, source, join_path(to, below)); error != 0) return error;
    copied.push_back(std::move(below));
  }
}

}  // namespace refserver::dav

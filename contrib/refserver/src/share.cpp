// Path rules of a share and its doors to the file system (openat2).
#include "share.hpp"

#include <fcntl.h>
#include <fnmatch.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "http.hpp"

namespace refserver {
namespace {

constexpr std::size_t component_limit = 255;
constexpr std::size_t path_limit = 4095;

template <typename Visitor>
bool any_component(std::string_view path, Visitor&& visit) {
  while (!path.empty()) {
    auto slash = path.find('/');
    if (visit(path.substr(0, slash))) return true;
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return false;
}

}  // namespace

bool has_internal_component(std::string_view share_path) {
  return any_component(share_path, [](std::string_view name) { return name.starts_with(internal_prefix); });
}

bool Share::excludes(std::string_view share_path) const {
  if (exclude_patterns.empty()) return false;
  return any_component(share_path, [this](std::string_view component) {
    std::string text(component);
    for (const auto& pattern : exclude_patterns) {
      if (::fnmatch(pattern.c_str(), text.c_str(), 0) == 0) return true;
    }
    return false;
  });
}

OrErrno<UniqueFd> open_beneath(const Share& share, std::string_view share_path, int flags, mode_t mode) {
  std::string path(share_path.empty() ? std::string_view(".") : share_path);
  struct open_how how{};
  how.flags = static_cast<std::uint64_t>(static_cast<unsigned>(flags | O_CLOEXEC));
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  if (!share.follow_inner_symlinks) how.resolve |= RESOLVE_NO_SYMLINKS;
  // The kernel says EAGAIN when a rename elsewhere made it unsure whether the path stayed beneath.
  for (int attempt = 0; attempt < 32; ++attempt) {
    long fd = ::syscall(SYS_openat2, share.root_fd.get(), path.c_str(), &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    if (errno != EAGAIN && errno != EINTR) return std::unexpected(errno);
  }
  return std::unexpected(EAGAIN);
}

OrErrno<struct stat> stat_beneath(const Share& share, std::string_view share_path) {
  int flags = O_PATH | (share.follow_inner_symlinks ? 0 : O_NOFOLLOW);
  auto fd = open_beneath(share, share_path, flags);
  if (!fd) return std::unexpected(fd.error());
  struct stat status{};
  if (::fstat(fd->get(), &status) != 0) return std::unexpected(errno);
  return status;
}

OrErrno<ParentAndName> open_parent(const Share& share, std::string_view share_path) {
  if (share_path.empty()) return std::unexpected(EBUSY);
  auto parent = open_beneath(share, parent_of(share_path), O_PATH | O_DIRECTORY);
  if (!parent) return std::unexpected(parent.error());
  return ParentAndName{std::move(*parent), std::string(name_of(share_path))};
}

std::optional<std::string> canonical_path(std::string_view decoded) {
  std::string out;
  while (!decoded.empty()) {
    auto slash = decoded.find('/');
    auto name = decoded.substr(0, slash);
    decoded = slash == std::string_view::npos ? std::string_view() : decoded.substr(slash + 1);
    if (name.empty()) continue;
    if (name == "." || name == ".." || name.size() > component_limit) return std::nullopt;
    if (name.find('\0') != std::string_view::npos) return std::nullopt;
    if (!out.empty()) out += '/';
    out += name;
  }
  if (out.size() > path_limit) return std::nullopt;
  return out;
}

std::optional<std::string> share_path_from_url(std::string_view encoded) {
  auto decoded = percent_decode(encoded);
  if (!decoded) return std::nullopt;
  // An encoded slash would otherwise silently become a separator.
  for (std::size_t at = encoded.find('%'); at != std::string_view::npos; at = encoded.find('%', at + 1)) {
    if (equal_without_case(encoded.substr(at, 3), "%2f")) return std::nullopt;
  }
  return canonical_path(*decoded);
}

std::string join_path(std::string_view parent, std::string_view name) {
  if (parent.empty()) return std::string(name);
  std::string out;
  out.reserve(parent.size() + 1 + name.size());
  out.append(parent).append("/").append(name);
  return out;
}

std::string_view parent_of(std::string_view share_path) {
  auto slash = share_path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : share_path.substr(0, slash);
}

std::string_view name_of(std::string_view share_path) {
  auto slash = share_path.rfind('/');
  return slash == std::string_view::npos ? share_path : share_path.substr(slash + 1);
}

}  // namespace refserver

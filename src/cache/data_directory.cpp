// File system calls of the data directory.
#include "data_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>

namespace nithronfs::cache {
namespace {

constexpr auto mark_name = "user.nithronfs.version";
constexpr std::string_view tag =
    "Signature: 8a477f597d28d172789f06886806bc55\n# Cached files of nithronfs; safe to delete.\n";

Result<void> make_directories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail(system_error("cannot create the cache directory " + path, error.value()));
  return {};
}

bool has_mark(int fd, std::string_view version) {
  std::string value(version.size() + 1, '\0');
  const auto length = fgetxattr(fd, mark_name, value.data(), value.size());
  return length >= 0 && std::string_view(value).substr(0, static_cast<std::size_t>(length)) == version;
}

std::optional<DataKey> parse_key(const std::string& name) {
  DataKey key{};
  if (name.size() != 2 * key.size() || name.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < key.size(); ++i) {
    key[i] = static_cast<std::uint8_t>(std::stoul(name.substr(2 * i, 2), nullptr, 16));
  }
  return key;
}

}  // namespace

std::string to_hex(const DataKey& key) {
  std::string text;
  text.reserve(2 * key.size());
  for (const auto byte : key) fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return text;
}

std::string DataDirectory::path_of(const DataKey& key) const {
  const auto hex = to_hex(key);
  return fmt::format("{}/data/{}/{}", directory_, std::string_view(hex).substr(0, 2), hex);
}

Result<void> DataDirectory::prepare() const {
  if (auto made = make_directories(directory_ + "/data"); !made) return made;
  if (chmod(directory_.c_str(), 0700) != 0) return fail(system_error("chmod " + directory_, errno));
  const UniqueFd file(::open((directory_ + "/CACHEDIR.TAG").c_str(),
                             O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file || ::write(file.get(), tag.data(), tag.size()) < 0) {
    return fail(system_error("cannot write to the cache directory " + directory_, errno));
  }
  return {};
}

Result<std::optional<DataFile>> DataDirectory::open_existing(const FileSpec& spec) const {
  const auto path = path_of(spec.key);
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd && errno == ENOENT) return std::nullopt;
  if (!fd) return fail(system_error("cannot open the cache file " + path, errno));
  auto file = examine(std::move(fd), spec, path);
  if (!file) return fail(file.error());
  return std::move(*file);
}

Result<DataFile> DataDirectory::open(const FileSpec& spec) const {
  const auto path = path_of(spec.key);
  const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
  UniqueFd fd(::open(path.c_str(), flags, 0600));
  if (!fd && errno == ENOENT) {
    if (auto made = make_directories(path.substr(0, path.rfind('/'))); !made) return fail(made.error());
    fd.reset(::open(path.c_str(), flags, 0600));
  }
  if (!fd) return fail(system_error("cannot open the cache file " + path, errno));
  return examine(std::move(fd), spec, path);
}

Result<DataFile> DataDirectory::examine(UniqueFd fd, const FileSpec& spec, const std::string& path) {
  DataFile file{.fd = std::move(fd)};
  struct stat info{};
  if (fstat(file.fd.get(), &info) != 0) return fail(system_error("stat " + path, errno));
  if (static_cast<std::uint64_t>(info.st_size) == spec.size) {
    file.existed = true;
    file.complete = has_mark(file.fd.get(), spec.version);
    return file;
  }
  // Not what we left there: emptied, so that it is as good as new.
  if (info.st_size != 0) {
    fremovexattr(file.fd.get(), mark_name);
    if (ftruncate(file.fd.get(), 0) != 0)
      return fail(system_error("cannot empty the cache file " + path, errno));
  }
  if (ftruncate(file.fd.get(), static_cast<off_t>(spec.size)) != 0) {
    return fail(system_error("cannot size the cache file " + path, errno));
  }
  return file;
}

Result<void> DataDirectory::mark_complete(int fd, std::string_view version) const {
  if (fsetxattr(fd, mark_name, version.data(), version.size(), 0) != 0) {
    return fail(system_error("cannot mark a cache file as complete", errno));
  }
  return {};
}

bool DataDirectory::has_any_mark(const DataKey& key) const {
  return lgetxattr(path_of(key).c_str(), mark_name, nullptr, 0) >= 0;
}

void DataDirectory::remove(const DataKey& key) const {
  ::unlink(path_of(key).c_str());
}

Result<std::uint64_t> DataDirectory::free_bytes() const {
  struct statvfs info{};
  if (statvfs(directory_.c_str(), &info) != 0) return fail(system_error("statvfs " + directory_, errno));
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

std::vector<DataKey> DataDirectory::list() const {
  std::vector<DataKey> keys;
  std::error_code error;
  const std::filesystem::recursive_directory_iterator end;
  for (std::filesystem::recursive_directory_iterator at(directory_ + "/data", error); !error && at != end;
       at.increment(error)) {
    if (const auto key = parse_key(at->path().filename().string())) keys.push_back(*key);
  }
  return keys;
}

}  // namespace nithronfs::cache

// The account file: JSON, for its owner only, replaced as a whole.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "nithronfs/remote/auth.hpp"
#include "remote/json_answers.hpp"

namespace nithronfs::remote {
namespace {

constexpr std::size_t kMaxFile = std::size_t{64} * 1024;

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> make_directories(const std::string& directory) {
  std::error_code error;
  if (std::filesystem::is_directory(directory, error)) return {};
  if (directory != "/" && directory != ".") {
    if (auto made = make_directories(directory_of(directory)); !made) return made;
  }
  if (mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return fail(system_error("cannot create " + directory, errno));
}

Result<std::string> read_all(int fd, const std::string& path) {
  std::string text;
  std::array<char, 4096> buffer;
  while (true) {
    const ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(system_error("cannot read " + path, errno));
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > kMaxFile) return fail(Errc::corrupt, path + " is too large for an account file");
  }
}

Result<void> write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t count = write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(system_error("cannot write " + path, errno));
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> sync_directory(const std::string& directory) {
  const UniqueFd fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || fsync(fd.get()) != 0) return fail(system_error("cannot sync " + directory, errno));
  return {};
}

// Removes a temporary file unless it has become the real one.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!path_.empty()) unlink(path_.c_str());
  }
  [[nodiscard]] Result<void> become(const std::string& target) {
    if (rename(path_.c_str(), target.c_str()) != 0)
      return fail(system_error("cannot replace " + target, errno));
    path_.clear();
    return {};
  }

 private:
  std::string path_;
};

// The whole text of a file with secrets in it; refused when others could read it, too. Absence is
// Errc::not_found.
Result<std::string> read_private_file(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail(system_error("cannot open " + path, errno));
  struct stat info{};
  if (fstat(fd.get(), &info) != 0) return fail(system_error("cannot look at " + path, errno));
  if ((info.st_mode & 0077) != 0) {
    return fail(Errc::permission,
                fmt::format("{} can be read by others and is not used; make it private with: "
                            "chmod 600 {}",
                            path, path));
  }
  return read_all(fd.get(), path);
}

}  // namespace

Result<WebdavCredentials> load_webdav_credentials(const std::string& path) {
  auto text = read_private_file(path);
  if (!text) return fail(std::move(text.error()));
  auto credentials = webdav_credentials_from_json(*text);
  if (!credentials) return fail(Errc::corrupt, fmt::format("{}: {}", path, credentials.error().message));
  return credentials;
}

AccountStore::AccountStore(std::string path) : path_(std::move(path)) {}

Result<Account> AccountStore::load() const {
  auto text = read_private_file(path_);
  if (!text && text.error().code == Errc::not_found) {
    return fail(Errc::not_logged_in,
                fmt::format("no login is stored in {}; log in with: nithronctl login URL", path_));
  }
  if (!text) return fail(std::move(text.error()));
  auto account = account_from_json(*text);
  if (!account)
    return fail(Errc::corrupt, fmt::format("{}: {}; log in again", path_, account.error().message));
  return account;
}

Result<void> AccountStore::save(const Account& account) const {
  const std::string directory = directory_of(path_);
  if (auto made = make_directories(directory); !made) return made;
  std::string name = path_ + ".XXXXXX";
  const UniqueFd fd(mkostemp(name.data(), O_CLOEXEC));  // mode 0600
  if (!fd) return fail(system_error("cannot write " + path_, errno));
  TemporaryFile temporary(name);
  if (auto written = write_all(fd.get(), account_to_json(account), path_); !written) return written;
  if (fsync(fd.get()) != 0) return fail(system_error("cannot sync " + path_, errno));
  if (auto replaced = temporary.become(path_); !replaced) return replaced;
  return sync_directory(directory);
}

Result<void> AccountStore::remove() const {
  if (unlink(path_.c_str()) != 0 && errno != ENOENT)
    return fail(system_error("cannot remove " + path_, errno));
  return {};
}

Result<std::unique_ptr<AccountStore::Lock>> AccountStore::take_lock(int operation) const {
  if (auto made = make_directories(directory_of(path_)); !made) return fail(std::move(made.error()));
  const std::string name = path_ + ".lock";
  UniqueFd fd(open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return fail(system_error("cannot open " + name, errno));
  while (flock(fd.get(), operation) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return fail(Errc::busy, "another process is renewing this login");
    return fail(system_error("cannot lock " + name, errno));
  }
  return std::make_unique<Lock>(std::move(fd));
}

Result<std::unique_ptr<AccountStore::Lock>> AccountStore::lock() const {
  return take_lock(LOCK_EX);
}

Result<std::unique_ptr<AccountStore::Lock>> AccountStore::try_lock() const {
  return take_lock(LOCK_EX | LOCK_NB);
}

std::string default_account_path(const std::string& config_dir, const std::string& server) {
  std::string name = server;
  if (const auto scheme = name.find("://"); scheme != std::string::npos) name.erase(0, scheme + 3);
  while (name.ends_with('/')) name.pop_back();
  std::ranges::transform(name, name.begin(), [](char c) {
    const bool keep = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c + 32);
    return keep ? c : '_';
  });
  return fmt::format("{}/accounts/{}.json", config_dir, name);
}

}  // namespace nithronfs::remote

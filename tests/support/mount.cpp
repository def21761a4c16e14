// Starts nithronfs in the foreground with directories of its own, and cleans up after it.
#include "mount.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace nithronfs::test {
namespace {

// Reports go to files: the daemon's own output may be anywhere.
std::string sanitizer_options(const char* variable, const fs::path& reports) {
  const char* inherited = std::getenv(variable);
  return fmt::format("{}:log_path={}", inherited == nullptr ? "" : inherited, reports.string());
}

}  // namespace

class Mount::Watchdog {
 public:
  Watchdog(pid_t pid, milliseconds life) : thread_([this, pid, life] { guard(pid, life); }) {}
  ~Watchdog() {
    {
      const std::lock_guard lock(mutex_);
      dismissed_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void guard(pid_t pid, milliseconds life) {
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, life, [this] { return dismissed_; })) return;
    ADD_FAILURE() << "the test took longer than the daemon may live; killing the daemon";
    ::kill(pid, SIGKILL);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool dismissed_ = false;
  std::thread thread_;
};

std::string login(const std::string& server_url, const fs::path& account_file, const fs::path& ca) {
  const TempDir folder;
  write_file(folder / "password", std::string(RefServer::password) + "\n");
  fs::permissions(folder / "password", fs::perms(0600));
  Command command;
  command.arguments = {programs().control,
                       "login",
                       server_url,
                       "--username",
                       RefServer::user,
                       "--password-file",
                       (folder / "password").string(),
                       "--device-name",
                       "test device",
                       "--account",
                       account_file.string()};
  if (!ca.empty()) command.arguments.insert(command.arguments.end(), {"--ca", ca.string()});
  const Finished finished = run(command);
  if (finished.exit != Exit{0, 0}) throw std::runtime_error("login failed:\n" + finished.output);
  return finished.output;
}

Mount::Mount(const MountSpec& spec) : spec_(spec), root_(folder_ / "mnt") {
  fs::create_directories(root_);
  if (spec_.log_in) {
    // http://host:port/share → http://host:port
    const std::size_t host = spec_.url.find("://") + 3;
    std::ignore = login(spec_.url.substr(0, spec_.url.find('/', host)), account(), spec_.ca);
  }
  start();
}

Mount::~Mount() {
  watchdog_.reset();
  if (daemon_) {
    const bool was_running = daemon_->running();
    const std::optional<Exit> exit = daemon_->terminate(seconds(20));
    if (was_running) check_last_words(exit);
    if (!exit) daemon_->kill();
  }
  if (is_mount_point(root_)) force_unmount(root_);
  if (::testing::Test::HasFailure()) {
    std::string text = log();
    constexpr std::size_t most = 8000;
    if (text.size() > most) text.erase(0, text.size() - most);
    ADD_FAILURE() << "the daemon's log ended with:\n" << text;
  }
}

void Mount::check_last_words(const std::optional<Exit>& exit) const {
  if (!exit) {
    ADD_FAILURE() << "the daemon did not end on SIGTERM";
  } else if (*exit != Exit{0, 0}) {
    ADD_FAILURE() << "the daemon ended badly: code " << exit->code << ", signal " << exit->signal;
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_.path())) {
    if (entry.path().filename().string().starts_with("sanitizer")) {
      ADD_FAILURE() << read_file(entry.path());
    }
  }
}

std::string Mount::log() const {
  return read_file_if_any(folder_ / "daemon.log");
}

bool Mount::mounted() const {
  return is_mount_point(root_);
}

Command Mount::command() const {
  std::vector<std::string> options = spec_.options;
  options.push_back("cache_dir=" + cache_dir().string());
  options.push_back("state_dir=" + state_dir().string());
  if (spec_.log_in || !spec_.account.empty()) options.push_back("account=" + account().string());
  if (!spec_.ca.empty()) options.push_back("ca=" + spec_.ca.string());
  Command command;
  command.arguments = {
      programs().daemon, spec_.url, root_.string(), "-f", "-o", fmt::format("{}", fmt::join(options, ","))};
  // Nothing of the person who runs the tests is read or touched.
  const std::string home = folder_.path().string();
  command.environment = {{"HOME", home},
                         {"XDG_CONFIG_HOME", home + "/config"},
                         {"XDG_RUNTIME_DIR", home + "/run"},
                         {"ASAN_OPTIONS", sanitizer_options("ASAN_OPTIONS", folder_ / "sanitizer")},
                         {"UBSAN_OPTIONS", sanitizer_options("UBSAN_OPTIONS", folder_ / "sanitizer")},
                         {"TSAN_OPTIONS", sanitizer_options("TSAN_OPTIONS", folder_ / "sanitizer")}};
  command.output = folder_ / "daemon.log";
  return command;
}

void Mount::start() {
  watchdog_.reset();
  fs::create_directories(folder_ / "run");
  daemon_.emplace(command());
  watchdog_ = std::make_unique<Watchdog>(daemon_->pid(), spec_.life);
  const bool up = eventually([&] { return answers(root_) || !daemon_->running(); });
  if (!up || !daemon_->running()) throw std::runtime_error("the mount did not come up:\n" + log());
}

Exit Mount::stop() {
  const std::optional<Exit> exit = daemon_->terminate();
  watchdog_.reset();
  if (!exit) throw std::runtime_error("the daemon did not end on SIGTERM:\n" + log());
  check_last_words(exit);
  return *exit;
}

void Mount::remount() {
  EXPECT_EQ(stop(), (Exit{0, 0}));
  start();
}

void Mount::kill() {
  watchdog_.reset();
  daemon_->kill();
}

bool answers(const fs::path& directory) {
  // statfs, because only that always asks the daemon: what stat tells may come from the kernel's cache, also
  // on a mount whose daemon is dead.
  struct statfs status{};
  return ::statfs(directory.c_str(), &status) == 0 && status.f_type == FUSE_SUPER_MAGIC;
}

bool is_mount_point(const fs::path& directory) {
  // The kernel's own list: a stat of a dead mount would fail, or hang. Fields: id parent major:minor root
  // mountpoint …
  std::istringstream lines(read_file("/proc/self/mountinfo"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string skipped;
    std::string mount_point;
    fields >> skipped >> skipped >> skipped >> skipped >> mount_point;
    if (mount_point == directory.string() && line.find(" - fuse") != std::string::npos) return true;
  }
  return false;
}

void force_unmount(const fs::path& directory) {
  if (::umount2(directory.c_str(), MNT_DETACH) == 0) return;
  std::ignore = run({.arguments = {"fusermount3", "-u", "-z", directory.string()}});
}

Attribute attribute(const fs::path& path, const char* name) {
  std::string value(256, '\0');
  const ssize_t size = ::lgetxattr(path.c_str(), name, value.data(), value.size());
  if (size < 0) return {{}, errno};
  value.resize(static_cast<std::size_t>(size));
  return {value, 0};
}

}  // namespace nithronfs::test

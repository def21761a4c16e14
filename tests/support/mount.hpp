// A real mount for a test: accounts, the daemon's life, and a guard against hanging for ever.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "files.hpp"
#include "process.hpp"
#include "servers.hpp"

namespace nithronfs::test {

// Logs a device in with nithronctl, as a person would; returns what that printed. Throws on failure.
std::string login(const std::string& server_url, const fs::path& account_file, const fs::path& ca = {});

struct MountSpec {
  std::string url;                   // as on the command line
  std::vector<std::string> options;  // for -o; directories, account and ca are added
  fs::path ca;                       // certificate to trust; empty: the system's
  bool log_in = true;                // register a device before the first start
  fs::path account;                  // an account file that is there already; empty: the mount's own
  // A daemon that lives longer is killed, so that a hanging system call returns and the test fails.
  milliseconds life = seconds(180);
};

// Mounts in the constructor. The destructor unmounts, or whatever it takes to get rid of the mount, and fails
// the test when the daemon crashed or a sanitizer complained.
class Mount {
 public:
  explicit Mount(const MountSpec& spec);
  ~Mount();
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  [[nodiscard]] const fs::path& root() const { return root_; }
  [[nodiscard]] fs::path operator/(const fs::path& name) const { return root_ / name; }
  [[nodiscard]] fs::path cache_dir() const { return folder_ / "cache"; }
  [[nodiscard]] fs::path state_dir() const { return folder_ / "state"; }
  [[nodiscard]] fs::path account() const {
    return spec_.account.empty() ? folder_ / "account.json" : spec_.account;
  }
  [[nodiscard]] pid_t pid() const { return daemon_->pid(); }
  // Everything that the daemons of this mount have logged.
  [[nodiscard]] std::string log() const;
  [[nodiscard]] bool mounted() const;

  // The command line and environment that start() uses.
  [[nodiscard]] Command command() const;
  // Returns once the mount answers; throws with the log when it does not.
  void start();
  // SIGTERM; returns how the daemon ended.
  [[nodiscard]] Exit stop();
  // How the daemon ended by itself; none when it still runs after `limit`.
  [[nodiscard]] std::optional<Exit> wait(milliseconds limit = patience) { return daemon_->wait(limit); }
  // Stops, expecting success, and starts again.
  void remount();
  // SIGKILL: leaves a mount point that answers ENOTCONN.
  void kill();

 private:
  void check_last_words(const std::optional<Exit>& exit) const;

  class Watchdog;
  TempDir folder_;
  MountSpec spec_;
  fs::path root_;
  std::optional<ChildProcess> daemon_;
  std::unique_ptr<Watchdog> watchdog_;
};

// True when a FUSE file system is mounted on exactly this directory, whether it answers or not.
[[nodiscard]] bool is_mount_point(const fs::path& directory);
// True when something is mounted there and its daemon answers.
[[nodiscard]] bool answers(const fs::path& directory);
// Takes a mount away whatever its state is.
void force_unmount(const fs::path& directory);

// Value of an extended attribute; `error` is the errno, 0 on success.
struct Attribute {
  std::string value;
  int error = 0;
};
[[nodiscard]] Attribute attribute(const fs::path& path, const char* name);

}  // namespace nithronfs::test

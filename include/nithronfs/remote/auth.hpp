// Accounts: the device's tokens, where they are kept, and how they are renewed.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "nithronfs/net/http.hpp"
#include "nithronfs/util/result.hpp"
#include "nithronfs/util/seams.hpp"
#include "nithronfs/util/task.hpp"
#include "nithronfs/util/unique_fd.hpp"

namespace nithronfs::remote {

// A registered device. Never logged.
struct Account {
  std::string server;  // https://host[:port], no trailing slash
  std::string username;
  std::string device_id;
  std::string device_name;
  std::string device_token;
  std::string refresh_token;
  std::int64_t expires_at = 0;  // Unix seconds; 0: unknown
  std::string pinned_pubkey;    // as it was at login; empty: none
};

// The account file: JSON, mode 0600, replaced atomically and synced before the new tokens are used; one lock
// file beside it keeps two mounts of a device from refreshing at once. Thread-safe, and safe between
// processes.
class AccountStore {
 public:
  explicit AccountStore(std::string path);
  [[nodiscard]] const std::string& path() const { return path_; }
  // Errors: not_logged_in (no file; says how to log in), corrupt, permission (readable by others).
  [[nodiscard]] Result<Account> load() const;
  [[nodiscard]] Result<void> save(const Account& account) const;
  [[nodiscard]] Result<void> remove() const;

  // Holds the lock between processes until destroyed.
  class Lock {
   public:
    explicit Lock(UniqueFd file) : file_(std::move(file)) {}

   private:
    UniqueFd file_;
  };
  // Blocks; not for the net thread.
  [[nodiscard]] Result<std::unique_ptr<Lock>> lock() const;
  // Errors: busy when somebody else holds it.
  [[nodiscard]] Result<std::unique_ptr<Lock>> try_lock() const;

 private:
  [[nodiscard]] Result<std::unique_ptr<Lock>> take_lock(int operation) const;
  std::string path_;
};

// The file that an account for `server` has by default, below `config_dir`.
[[nodiscard]] std::string default_account_path(const std::string& config_dir, const std::string& server);

// A name and password for a plain WebDAV server.
struct WebdavCredentials {
  std::string username;
  std::string password;
};
// From a JSON file {"username":"…","password":"…"} that only its owner can read. Errors: not_found,
// permission, corrupt; each says what the file has to look like.
[[nodiscard]] Result<WebdavCredentials> load_webdav_credentials(const std::string& path);

struct Credentials {
  std::string username;
  std::string password;
  std::string code;  // TOTP; empty: none
  std::string device_name;
};

// Logs in and registers this device; one login attempt (servers count them). Errors: not_logged_in with a
// message that tells "wrong name or password, or a code is needed" as the server allows, busy with the
// server's waiting time (429), too_large for 20 devices, protocol.
[[nodiscard]] Task<Result<Account>> register_device(net::HttpClient& client, std::string server,
                                                    Credentials credentials);

}  // namespace nithronfs::remote

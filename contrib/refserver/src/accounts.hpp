// People: who may log in, how often they may try, and their browser-like sessions. All of it in memory: the
// accounts are named anew at each start, and nothing of a password is ever written.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "crypto.hpp"
#include "share.hpp"

namespace refserver {

using WallClock = std::function<std::int64_t()>;  // seconds since 1970
std::int64_t wall_clock_now();

struct AccountSettings {
  std::int64_t session_seconds = 15 * 60;
  // Attempts within the window and per client address and user name; stock counts successes, too.
  unsigned attempt_limit = 5;
  std::int64_t attempt_window_seconds = 15 * 60;
  std::uint64_t password_cost = usual_password_cost;
};

struct LoginFailure {
  enum class Reason { bad_credentials, code_needed, bad_code, too_many };
  Reason reason = Reason::bad_credentials;
  std::int64_t retry_after_seconds = 0;  // for too_many
};

struct Session {
  std::string id;          // the nos_session cookie
  std::string csrf_token;  // the nos_csrf cookie
  std::string user;
  std::int64_t expires = 0;
};

class Accounts {
 public:
  Accounts(Profile profile, AccountSettings settings, WallClock clock = wall_clock_now);

  // The TOTP secret is raw bytes, empty for none. False: the name exists already.
  bool add(const std::string& name, std::string_view password, std::string totp_secret);
  bool exists(std::string_view name) const { return accounts_.contains(name); }

  std::expected<Session, LoginFailure> login(const std::string& address, const std::string& user,
                                             std::string_view password, std::string_view code);
  std::optional<Session> session(std::string_view id);
  void logout(std::string_view id);

  // For HTTP Basic, where each request carries the password. Only for accounts without TOTP. A success is
  // remembered for a few minutes; failures count like failed logins.
  std::expected<void, LoginFailure> check_basic(const std::string& address, const std::string& user,
                                                std::string_view password);

 private:
  struct Account {
    PasswordHash password;
    std::string totp_secret;
    std::int64_t last_totp_step = -1;  // codes are good for once (RFC 6238, 5.2); stock does not care
  };
  struct Attempts {
    std::int64_t window_start = 0;
    unsigned count = 0;
  };

  std::optional<std::int64_t> blocked_for(const std::string& key);
  void count_attempt(const std::string& key);
  std::expected<void, LoginFailure> check_code(Account& account, std::string_view code);
  void prune();

  const Profile profile_;
  const AccountSettings settings_;
  const WallClock clock_;
  const std::string cache_key_;  // keys what check_basic remembers
  const PasswordHash nobody_;    // checked for unknown names, so that they take as long as known ones
  std::map<std::string, Account, std::less<>> accounts_;  // names and hashes constant once the server runs

  std::mutex mutex_;  // guards the rest, and Account::last_totp_step
  std::unordered_map<std::string, Attempts> attempts_;
  std::unordered_map<std::string, Session> sessions_;  // by the hash of the id
  std::unordered_map<std::string, std::int64_t>
      remembered_basic_;  // keyed hash of user and password -> until
};

}  // namespace refserver

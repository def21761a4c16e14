// Logins, their limits, and sessions.
#include "accounts.hpp"

#include <algorithm>
#include <ctime>

#include "encoding.hpp"
#include "totp.hpp"

namespace refserver {
namespace {

constexpr std::size_t table_limit = 10000;  // sessions, attempt windows, remembered credentials
constexpr std::int64_t basic_memory_seconds = 300;

using Reason = LoginFailure::Reason;

std::string attempt_key(const std::string& address, const std::string& user) {
  return address + '\n' + hex(sha256(user));
}

}  // namespace

std::int64_t wall_clock_now() {
  return static_cast<std::int64_t>(std::time(nullptr));
}

Accounts::Accounts(Profile profile, AccountSettings settings, WallClock clock)
    : profile_(profile),
      settings_(settings),
      clock_(std::move(clock)),
      cache_key_(random_bytes(32)),
      nobody_(PasswordHash::of(random_bytes(16), settings_.password_cost)) {}

bool Accounts::add(const std::string& name, std::string_view password, std::string totp_secret) {
  if (accounts_.contains(name)) return false;
  accounts_.emplace(name,
                    Account{PasswordHash::of(password, settings_.password_cost), std::move(totp_secret)});
  return true;
}

std::optional<std::int64_t> Accounts::blocked_for(const std::string& key) {
  auto found = attempts_.find(key);
  if (found == attempts_.end()) return std::nullopt;
  auto end = found->second.window_start + settings_.attempt_window_seconds;
  auto now = clock_();
  if (now >= end) {
    attempts_.erase(found);
    return std::nullopt;
  }
  if (found->second.count < settings_.attempt_limit) return std::nullopt;
  return end - now;
}

void Accounts::count_attempt(const std::string& key) {
  auto [entry, is_new] = attempts_.try_emplace(key, Attempts{clock_(), 0});
  ++entry->second.count;
}

// Bounds every table. Called with the mutex held.
void Accounts::prune() {
  auto now = clock_();
  if (attempts_.size() > table_limit) {
    std::erase_if(attempts_, [&](const auto& entry) {
      return entry.second.window_start + settings_.attempt_window_seconds <= now;
    });
    if (attempts_.size() > table_limit) attempts_.erase(attempts_.begin());
  }
  if (sessions_.size() > table_limit) {
    std::erase_if(sessions_, [&](const auto& entry) { return entry.second.expires <= now; });
    if (sessions_.size() > table_limit) sessions_.erase(sessions_.begin());
  }
  if (remembered_basic_.size() > table_limit) remembered_basic_.clear();
}

std::expected<void, LoginFailure> Accounts::check_code(Account& account, std::string_view code) {
  if (account.totp_secret.empty()) return {};
  if (code.empty()) return std::unexpected(LoginFailure{Reason::code_needed});
  auto step = totp_match(account.totp_secret, code, clock_());
  bool replayed = profile_ == Profile::full && step && *step <= account.last_totp_step;
  if (!step || replayed) return std::unexpected(LoginFailure{Reason::bad_code});
  account.last_totp_step = *step;
  return {};
}

std::expected<Session, LoginFailure> Accounts::login(const std::string& address, const std::string& user,
                                                     std::string_view password, std::string_view code) {
  auto key = attempt_key(address, user);
  {
    std::lock_guard lock(mutex_);
    prune();
    if (auto wait = blocked_for(key)) return std::unexpected(LoginFailure{Reason::too_many, *wait});
    // Counted before the slow check, so that parallel guesses do not slip through; taken back on success.
    count_attempt(key);
  }
  auto account = accounts_.find(user);
  bool right = account == accounts_.end() ? (nobody_.matches(password), false)
                                          : account->second.password.matches(password);
  std::lock_guard lock(mutex_);
  if (!right) return std::unexpected(LoginFailure{Reason::bad_credentials});
  if (auto checked = check_code(account->second, code); !checked) {
    // The first half of a login with a second factor is not a failed guess.
    if (checked.error().reason == Reason::code_needed && profile_ == Profile::full) --attempts_[key].count;
    return std::unexpected(checked.error());
  }
  if (profile_ == Profile::full) attempts_.erase(key);
  Session session{.id = "nos_st_" + base64url(random_bytes(32)),
                  .csrf_token = base64url(random_bytes(32)),
                  .user = user,
                  .expires = clock_() + settings_.session_seconds};
  sessions_[sha256(session.id)] = session;
  return session;
}

std::optional<Session> Accounts::session(std::string_view id) {
  std::lock_guard lock(mutex_);
  auto found = sessions_.find(sha256(id));
  if (found == sessions_.end()) return std::nullopt;
  if (found->second.expires <= clock_()) {
    sessions_.erase(found);
    return std::nullopt;
  }
  return found->second;
}

void Accounts::logout(std::string_view id) {
  std::lock_guard lock(mutex_);
  sessions_.erase(sha256(id));
}

std::expected<void, LoginFailure> Accounts::check_basic(const std::string& address, const std::string& user,
                                                        std::string_view password) {
  auto memory = hmac_sha256(cache_key_, user + '\0' + std::string(password));
  auto key = attempt_key(address, user);
  {
    std::lock_guard lock(mutex_);
    auto known = remembered_basic_.find(memory);
    if (known != remembered_basic_.end() && known->second > clock_()) return {};
    prune();
    if (auto wait = blocked_for(key)) return std::unexpected(LoginFailure{Reason::too_many, *wait});
    count_attempt(key);
  }
  auto account = accounts_.find(user);
  bool right = account == accounts_.end() ? (nobody_.matches(password), false)
                                          : account->second.password.matches(password);
  if (!right) return std::unexpected(LoginFailure{Reason::bad_credentials});
  std::lock_guard lock(mutex_);
  attempts_.erase(key);
  if (!account->second.totp_secret.empty()) return std::unexpected(LoginFailure{Reason::code_needed});
  remembered_basic_[memory] = clock_() + basic_memory_seconds;
  return {};
}

}  // namespace refserver

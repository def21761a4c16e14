// Lock bookkeeping by linear scans: a server with many locks at a time has a few dozen.
#include "lock_table.hpp"

#include <fmt/core.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "names.hpp"

namespace refserver::dav {
namespace {

// A random UUID (RFC 9562, version 4): unique without any state, and not to be guessed.
std::string new_token() {
  std::array<std::uint8_t, 16> bytes{};
  // Up to 256 bytes are never interrupted or cut short once the pool is initialised (getrandom(2)).
  [[maybe_unused]] const auto got = ::getrandom(bytes.data(), bytes.size(), 0);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3F) | 0x80);
  std::string token = "urn:uuid:";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) token += '-';
    token += fmt::format("{:02x}", bytes[i]);
  }
  return token;
}

bool covers(const Lock& lock, std::string_view key) {
  return lock.root == key || (lock.infinite && is_same_or_below(key, lock.root));
}

std::string_view parent_key(std::string_view key) {
  return key.substr(0, std::min(key.rfind('/'), key.size()));
}

bool is_held(const Lock& lock, std::span<const std::string> tokens, std::string_view user) {
  return lock.user == user && std::ranges::find(tokens, lock.token) != tokens.end();
}

}  // namespace

std::expected<Lock, LockTable::Refusal> LockTable::acquire(Lock wanted) {
  const std::lock_guard guard(mutex_);
  drop_expired();
  if (locks_.size() >= max_locks) return std::unexpected(Refusal::full);
  const bool conflict = std::ranges::any_of(locks_, [&](const Lock& lock) {
    const bool overlap = covers(lock, wanted.root) || covers(wanted, lock.root);
    return overlap && (lock.exclusive || wanted.exclusive);
  });
  if (conflict) return std::unexpected(Refusal::conflict);
  wanted.token = new_token();
  wanted.timeout = std::min(wanted.timeout, max_timeout);
  wanted.expires = clock_() + wanted.timeout;
  locks_.push_back(wanted);
  return wanted;
}

std::optional<Lock> LockTable::refresh(std::string_view key, std::string_view token, std::string_view user,
                                       std::chrono::seconds timeout) {
  const std::lock_guard guard(mutex_);
  drop_expired();
  for (Lock& lock : locks_) {
    if (lock.token != token || lock.user != user || !covers(lock, key)) continue;
    lock.timeout = std::min(timeout, max_timeout);
    lock.expires = clock_() + lock.timeout;
    return lock;
  }
  return std::nullopt;
}

bool LockTable::release(std::string_view key, std::string_view token, std::string_view user) {
  const std::lock_guard guard(mutex_);
  drop_expired();
  return std::erase_if(locks_, [&](const Lock& lock) {
           return lock.token == token && lock.user == user && covers(lock, key);
         }) > 0;
}

std::vector<Lock> LockTable::covering(std::string_view key) {
  const std::lock_guard guard(mutex_);
  drop_expired();
  std::vector<Lock> found;
  std::ranges::copy_if(locks_, std::back_inserter(found),
                       [&](const Lock& lock) { return covers(lock, key); });
  return found;
}

std::optional<std::string> LockTable::obstacle(const Touch& touch, std::span<const std::string> tokens,
                                               std::string_view user) {
  const std::lock_guard guard(mutex_);
  drop_expired();
  if (const Lock* lock = blocker_at(touch.key, tokens, user)) return lock->root;
  if (touch.changes_membership) {
    if (const Lock* lock = blocker_at(parent_key(touch.key), tokens, user)) return lock->root;
  }
  if (!touch.with_descendants) return std::nullopt;
  for (const Lock& lock : locks_) {
    if (is_same_or_below(lock.root, touch.key) && blocker_at(lock.root, tokens, user)) return lock.root;
  }
  return std::nullopt;
}

void LockTable::forget_tree(std::string_view key) {
  const std::lock_guard guard(mutex_);
  std::erase_if(locks_, [&](const Lock& lock) { return is_same_or_below(lock.root, key); });
}

void LockTable::drop_expired() {
  const auto now = clock_();
  std::erase_if(locks_, [&](const Lock& lock) { return lock.expires <= now; });
}

// The lock that keeps this user away from `key`; null when none does.
const Lock* LockTable::blocker_at(std::string_view key, std::span<const std::string> tokens,
                                  std::string_view user) const {
  const Lock* blocker = nullptr;
  for (const Lock& lock : locks_) {
    if (!covers(lock, key)) continue;
    if (is_held(lock, tokens, user)) return nullptr;
    blocker = &lock;
  }
  return blocker;
}

}  // namespace refserver::dav

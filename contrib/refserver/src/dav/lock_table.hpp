// The write locks of WebDAV (RFC 4918, 6 and 7): who may change which resource, until when.
//
// Resources are named by "share-id/path" keys; a lock of infinite depth covers everything below its root, and
// a lock on a collection, of any depth, guards which members the collection has. Thread-safe.
// Locks live in memory: a restart of the server releases them, which the RFC allows (6.6: a lock may vanish).
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace refserver::dav {

struct Lock {
  std::string token;  // "urn:uuid:…"
  std::string root;   // key of the locked resource
  bool exclusive = true;
  bool infinite = false;  // depth infinity
  std::string owner_xml;  // what the client said about itself, ready to be written out
  std::string user;       // the account that holds it: a token works for nobody else
  std::chrono::seconds timeout{};
  std::chrono::steady_clock::time_point expires;
};

// What a change is about to touch.
struct Touch {
  std::string key;
  bool with_descendants = false;    // removes or replaces everything below it
  bool changes_membership = false;  // adds the name to its parent or takes it away
};

class LockTable {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  static constexpr std::size_t max_locks = 10'000;
  static constexpr std::chrono::seconds max_timeout{3600};

  explicit LockTable(Clock clock) : clock_(std::move(clock)) {}

  enum class Refusal { conflict, full };

  // Takes a lock. `wanted` needs root, exclusive, infinite, owner_xml, user and timeout (cut to max_timeout).
  std::expected<Lock, Refusal> acquire(Lock wanted);

  // Starts the time-out of a lock that covers `key` again; nullopt when there is none with this token.
  std::optional<Lock> refresh(std::string_view key, std::string_view token, std::string_view user,
                              std::chrono::seconds timeout);

  // True when the lock existed, covered `key` and was the user's.
  bool release(std::string_view key, std::string_view token, std::string_view user);

  std::vector<Lock> covering(std::string_view key);

  // The root of a lock that forbids the change to someone who submits these tokens; nullopt when it may go
  // ahead. Of shared locks, holding one is enough.
  std::optional<std::string> obstacle(const Touch& touch, std::span<const std::string> tokens,
                                      std::string_view user);

  // Forgets the locks on a resource that is gone, and on all below it.
  void forget_tree(std::string_view key);

 private:
  void drop_expired();
  const Lock* blocker_at(std::string_view key, std::span<const std::string> tokens,
                         std::string_view user) const;

  const Clock clock_;
  std::mutex mutex_;
  std::vector<Lock> locks_;  // guarded by mutex_; few, so scanned
};

}  // namespace refserver::dav

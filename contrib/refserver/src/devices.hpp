// Devices and their tokens: registration, lifetimes, rotation. Kept in LMDB; tokens only as SHA-256 digests
// (they are 256 random bits, so that a plain digest cannot be guessed back).
#pragma once

#include <cstdint>
#include <expected>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "accounts.hpp"
#include "database.hpp"

namespace refserver {

struct DeviceSettings {
  std::int64_t device_token_seconds = std::int64_t{90} * 24 * 3600;
  std::int64_t refresh_token_seconds = std::int64_t{365} * 24 * 3600;
  std::size_t device_limit = 20;  // per user
};

struct Device {
  std::string id;
  std::string user;
  std::string name;
  std::string type;
  std::string os_version;
  std::string client_version;
  std::int64_t created_at = 0;
  std::int64_t last_seen_at = 0;  // 0: never
  std::string last_address;
};

struct TokenPair {
  std::string device_id;
  std::string device_token;
  std::string refresh_token;
  std::int64_t expires_at = 0;  // of the device token
};

class Devices {
 public:
  Devices(Profile profile, const std::filesystem::path& directory, DeviceSettings settings,
          WallClock clock = wall_clock_now);
  ~Devices();  // writes when devices were last seen

  // None: the user has as many devices as allowed.
  std::optional<TokenPair> add(Device device);

  // full: the old pair goes on working until the new one is used for the first time, so that a lost answer
  // locks nobody out. stock: the old pair is dead at once. None: unknown or expired.
  std::optional<TokenPair> refresh(std::string_view refresh_token);

  // Takes microseconds. Notes where and when the device was seen.
  std::optional<Device> authenticate(std::string_view device_token, const std::string& address);

  std::vector<Device> of_user(std::string_view user);
  std::optional<Device> find(std::string_view user, std::string_view id);
  bool rename(std::string_view user, std::string_view id, const std::string& name);
  bool remove(std::string_view user, std::string_view id);

  // Small documents that belong to a device: "config", "state/<share id>". Gone with the device.
  void put_document(std::string_view device_id, std::string_view name, std::string_view text);
  std::optional<std::string> document(std::string_view device_id, std::string_view name);

 private:
  struct Pair {
    std::string device_digest;
    std::string refresh_digest;
    std::int64_t device_expires = 0;
    std::int64_t refresh_expires = 0;
  };
  // The first pair is in use; what follows was handed out by refreshes and not been used yet.
  struct Record {
    Device device;
    std::vector<Pair> pairs;
  };
  struct TokenPlace {
    std::string device_id;
    bool is_refresh = false;
  };

  static std::string encode(const Record& record);
  static Record decode(std::string_view text);
  void index(const Record& record);
  void drop_index(const Pair& pair);
  Pair* find_pair(Record& record, const std::string& digest);
  void promote(Record& record, const std::string& digest);
  TokenPair issue(Record& record);
  void save(const Record& record);
  Record* record_of(std::string_view user, std::string_view id);

  const Profile profile_;
  const DeviceSettings settings_;
  const WallClock clock_;
  Database database_;
  Table devices_table_, documents_table_;

  std::mutex mutex_;                                    // guards what follows; LMDB is written under it
  std::unordered_map<std::string, Record> records_;     // by device id
  std::unordered_map<std::string, TokenPlace> tokens_;  // by digest
};

}  // namespace refserver

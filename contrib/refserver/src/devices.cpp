// Devices in memory, written through to LMDB.
#include "devices.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "crypto.hpp"
#include "encoding.hpp"
#include "log.hpp"

namespace refserver {
namespace {

using nlohmann::json;

// Refreshes whose answers were all lost; older ones are given up.
constexpr std::size_t pending_limit = 4;

std::string document_key(std::string_view device_id, std::string_view name) {
  return std::string(device_id) + '\n' + std::string(name);
}

}  // namespace

Devices::Devices(Profile profile, const std::filesystem::path& directory, DeviceSettings settings,
                 WallClock clock)
    : profile_(profile),
      settings_(settings),
      clock_(std::move(clock)),
      database_(directory, 4),
      devices_table_(database_.open_table("devices")),
      documents_table_(database_.open_table("documents")) {
  Transaction txn(database_, Transaction::Kind::read);
  Cursor cursor(txn, devices_table_);
  for (bool more = cursor.first(); more; more = cursor.next()) {
    auto record = decode(cursor.value());
    index(record);
    auto id = record.device.id;
    records_.emplace(std::move(id), std::move(record));
  }
}

Devices::~Devices() {
  try {
    Transaction txn(database_, Transaction::Kind::write);
    for (const auto& [id, record] : records_) txn.put(devices_table_, id, encode(record));
    txn.commit();
  } catch (const std::exception& error) {
    log("devices: {}", error.what());
  }
}

std::string Devices::encode(const Record& record) {
  const auto& device = record.device;
  auto pairs = json::array();
  for (const auto& pair : record.pairs) {
    pairs.push_back({{"device", base64(pair.device_digest)},
                     {"refresh", base64(pair.refresh_digest)},
                     {"device_expires", pair.device_expires},
                     {"refresh_expires", pair.refresh_expires}});
  }
  return json{{"id", device.id},
              {"user", device.user},
              {"name", device.name},
              {"type", device.type},
              {"os_version", device.os_version},
              {"client_version", device.client_version},
              {"created_at", device.created_at},
              {"last_seen_at", device.last_seen_at},
              {"last_address", device.last_address},
              {"pairs", pairs}}
      .dump();
}

Devices::Record Devices::decode(std::string_view text) {
  auto row = json::parse(text);
  Record record;
  record.device = {.id = row.at("id"),
                   .user = row.at("user"),
                   .name = row.at("name"),
                   .type = row.at("type"),
                   .os_version = row.at("os_version"),
                   .client_version = row.at("client_version"),
                   .created_at = row.at("created_at"),
                   .last_seen_at = row.at("last_seen_at"),
                   .last_address = row.at("last_address")};
  for (const auto& pair : row.at("pairs")) {
    record.pairs.push_back(
        {.device_digest = base64_decode(pair.at("device").get<std::string>()).value_or(""),
         .refresh_digest = base64_decode(pair.at("refresh").get<std::string>()).value_or(""),
         .device_expires = pair.at("device_expires"),
         .refresh_expires = pair.at("refresh_expires")});
  }
  return record;
}

void Devices::index(const Record& record) {
  for (const auto& pair : record.pairs) {
    tokens_[pair.device_digest] = {record.device.id, false};
    tokens_[pair.refresh_digest] = {record.device.id, true};
  }
}

void Devices::drop_index(const Pair& pair) {
  tokens_.erase(pair.device_digest);
  tokens_.erase(pair.refresh_digest);
}

void Devices::save(const Record& record) {
  Transaction txn(database_, Transaction::Kind::write);
  txn.put(devices_table_, record.device.id, encode(record));
  txn.commit();
}

TokenPair Devices::issue(Record& record) {
  TokenPair tokens{.device_id = record.device.id,
                   .device_token = "nos_dt_" + base64url(random_bytes(32)),
                   .refresh_token = "nos_rt_" + base64url(random_bytes(32)),
                   .expires_at = clock_() + settings_.device_token_seconds};
  record.pairs.push_back({.device_digest = sha256(tokens.device_token),
                          .refresh_digest = sha256(tokens.refresh_token),
                          .device_expires = tokens.expires_at,
                          .refresh_expires = clock_() + settings_.refresh_token_seconds});
  index(record);
  return tokens;
}

std::optional<TokenPair> Devices::add(Device device) {
  std::lock_guard lock(mutex_);
  auto owned = std::count_if(records_.begin(), records_.end(),
                             [&](const auto& entry) { return entry.second.device.user == device.user; });
  if (static_cast<std::size_t>(owned) >= settings_.device_limit) return std::nullopt;
  device.id = "dev_" + hex(random_bytes(8));
  device.created_at = clock_();
  auto& record = records_[device.id];
  record.device = std::move(device);
  auto tokens = issue(record);
  save(record);
  return tokens;
}

// The pair that the digest belongs to, compared in constant time: the look-up before it works on digests of
// what the client sent, whose timing tells nothing about a token.
Devices::Pair* Devices::find_pair(Record& record, const std::string& digest) {
  Pair* match = nullptr;
  for (auto& pair : record.pairs) {
    if (equal_in_constant_time(pair.device_digest, digest)) match = &pair;
    if (equal_in_constant_time(pair.refresh_digest, digest)) match = &pair;
  }
  return match;
}

// A pair that was handed out by a refresh has been used: the client has it, the others are not needed.
void Devices::promote(Record& record, const std::string& digest) {
  auto* used = find_pair(record, digest);
  if (used == nullptr || used == record.pairs.data()) return;
  auto kept = *used;
  for (const auto& pair : record.pairs) drop_index(pair);
  record.pairs = {std::move(kept)};
  index(record);
  save(record);
}

std::optional<TokenPair> Devices::refresh(std::string_view refresh_token) {
  auto digest = sha256(refresh_token);
  std::lock_guard lock(mutex_);
  auto place = tokens_.find(digest);
  if (place == tokens_.end() || !place->second.is_refresh) return std::nullopt;
  auto& record = records_.at(place->second.device_id);
  auto* pair = find_pair(record, digest);
  if (pair == nullptr || pair->refresh_expires <= clock_()) return std::nullopt;
  if (profile_ == Profile::stock) {
    for (const auto& old : record.pairs) drop_index(old);
    record.pairs.clear();
  } else {
    promote(record, digest);
    if (record.pairs.size() > pending_limit) {
      drop_index(record.pairs[1]);
      record.pairs.erase(record.pairs.begin() + 1);
    }
  }
  auto tokens = issue(record);
  save(record);
  return tokens;
}

std::optional<Device> Devices::authenticate(std::string_view device_token, const std::string& address) {
  auto digest = sha256(device_token);
  std::lock_guard lock(mutex_);
  auto place = tokens_.find(digest);
  if (place == tokens_.end() || place->second.is_refresh) return std::nullopt;
  auto& record = records_.at(place->second.device_id);
  auto* pair = find_pair(record, digest);
  if (pair == nullptr || pair->device_expires <= clock_()) return std::nullopt;
  promote(record, digest);
  record.device.last_seen_at = clock_();
  record.device.last_address = address;
  return record.device;
}

Devices::Record* Devices::record_of(std::string_view user, std::string_view id) {
  auto found = records_.find(std::string(id));
  return found != records_.end() && found->second.device.user == user ? &found->second : nullptr;
}

std::vector<Device> Devices::of_user(std::string_view user) {
  std::lock_guard lock(mutex_);
  std::vector<Device> devices;
  for (const auto& [id, record] : records_) {
    if (record.device.user == user) devices.push_back(record.device);
  }
  std::sort(devices.begin(), devices.end(), [](const Device& a, const Device& b) {
    return std::tie(a.created_at, a.id) < std::tie(b.created_at, b.id);
  });
  return devices;
}

std::optional<Device> Devices::find(std::string_view user, std::string_view id) {
  std::lock_guard lock(mutex_);
  auto* record = record_of(user, id);
  return record == nullptr ? std::nullopt : std::optional(record->device);
}

bool Devices::rename(std::string_view user, std::string_view id, const std::string& name) {
  std::lock_guard lock(mutex_);
  auto* record = record_of(user, id);
  if (record == nullptr) return false;
  record->device.name = name;
  save(*record);
  return true;
}

bool Devices::remove(std::string_view user, std::string_view id) {
  std::lock_guard lock(mutex_);
  auto* record = record_of(user, id);
  if (record == nullptr) return false;
  for (const auto& pair : record->pairs) drop_index(pair);
  Transaction txn(database_, Transaction::Kind::write);
  txn.remove(devices_table_, id);
  auto prefix = document_key(id, "");
  {
    Cursor cursor(txn, documents_table_);
    for (bool more = cursor.seek(prefix); more && cursor.key().starts_with(prefix); more = cursor.next()) {
      cursor.remove();
    }
  }
  txn.commit();
  records_.erase(std::string(id));
  return true;
}

void Devices::put_document(std::string_view device_id, std::string_view name, std::string_view text) {
  std::lock_guard lock(mutex_);
  if (!records_.contains(std::string(device_id))) return;
  Transaction txn(database_, Transaction::Kind::write);
  txn.put(documents_table_, document_key(device_id, name), text);
  txn.commit();
}

std::optional<std::string> Devices::document(std::string_view device_id, std::string_view name) {
  Transaction txn(database_, Transaction::Kind::read);
  auto text = txn.get(documents_table_, document_key(device_id, name));
  return text ? std::optional(std::string(*text)) : std::nullopt;
}

}  // namespace refserver

// Dead properties: an ordered map in memory, written through to LMDB.
#include "dead_properties.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "../share.hpp"
#include "names.hpp"

namespace refserver::dav {
namespace {

std::string big_endian(std::uint64_t value, int bytes) {
  std::string out;
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out += static_cast<char>((value >> shift) & 0xFF);
  return out;
}

std::uint64_t read_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = (value << 8) | static_cast<unsigned char>(c);
  return value;
}

std::string encode_fields(const std::vector<std::string_view>& fields) {
  std::string out;
  for (const std::string_view field : fields) {
    out += big_endian(field.size(), 4);
    out += field;
  }
  return out;
}

// nullopt when the lengths do not add up.
std::optional<std::vector<std::string>> decode_fields(std::string_view bytes) {
  std::vector<std::string> fields;
  while (!bytes.empty()) {
    if (bytes.size() < 4) return std::nullopt;
    const std::size_t length = read_big_endian(bytes.substr(0, 4));
    bytes.remove_prefix(4);
    if (bytes.size() < length) return std::nullopt;
    fields.emplace_back(bytes.substr(0, length));
    bytes.remove_prefix(length);
  }
  return fields;
}

std::size_t size_of(const std::vector<DeadProperty>& properties) {
  std::size_t size = 0;
  for (const DeadProperty& property : properties) {
    size += property.name.ns.size() + property.name.local.size() + property.xml.size();
  }
  return size;
}

void apply(std::vector<DeadProperty>& properties, const PropertyUpdate& update) {
  std::erase_if(properties, [&](const DeadProperty& property) { return property.name == update.name; });
  if (!update.remove) properties.push_back({update.name, update.xml});
}

// The path below `from`, moved below `to`.
std::string rebase(std::string_view path, std::string_view from, std::string_view to) {
  return path.size() == from.size() ? std::string(to)
                                    : join_path(to, path.substr(from.empty() ? 0 : from.size() + 1));
}

}  // namespace

DeadProperties::DeadProperties(Database& database)
    : database_(database), table_(database.open_table("dead_properties")) {
  const Transaction transaction(database_, Transaction::Kind::read);
  Cursor cursor(transaction, table_);
  for (bool more = cursor.first(); more; more = cursor.next()) {
    const auto fields = decode_fields(cursor.value());
    if (!fields || fields->size() < 5 || fields->size() % 3 != 2)
      throw DatabaseError("dead properties", MDB_CORRUPTED);
    Stored stored{.id = read_big_endian(cursor.key()), .properties = {}};
    for (std::size_t i = 2; i < fields->size(); i += 3) {
      stored.properties.push_back({{fields->at(i), fields->at(i + 1)}, fields->at(i + 2)});
    }
    next_id_ = std::max(next_id_, stored.id + 1);
    resources_.insert_or_assign(Location{fields->at(0), fields->at(1)}, std::move(stored));
  }
}

std::vector<DeadProperty> DeadProperties::of(std::string_view share_id, std::string_view path) const {
  const std::lock_guard guard(mutex_);
  const auto found = resources_.find(Location{std::string(share_id), std::string(path)});
  return found == resources_.end() ? std::vector<DeadProperty>{} : found->second.properties;
}

bool DeadProperties::none_in(std::string_view share_id) const {
  const std::lock_guard guard(mutex_);
  const auto first = resources_.lower_bound(Location{std::string(share_id), ""});
  return first == resources_.end() || first->first.share_id != share_id;
}

bool DeadProperties::update(std::string_view share_id, std::string_view path,
                            std::span<const PropertyUpdate> updates) {
  const std::lock_guard guard(mutex_);
  const Location location{std::string(share_id), std::string(path)};
  std::vector<std::pair<Location, Stored>> gone;
  Stored next;
  if (const auto found = resources_.find(location); found != resources_.end()) {
    gone.emplace_back(*found);
    next = found->second;
  }
  for (const PropertyUpdate& update : updates) apply(next.properties, update);
  if (size_of(next.properties) > max_bytes_per_resource) return false;
  if (gone.empty() && resources_.size() >= max_resources) return false;

  std::vector<std::pair<Location, Stored>> added;
  if (!next.properties.empty()) added.emplace_back(location, std::move(next));
  replace(gone, std::move(added));
  return true;
}

void DeadProperties::moved(std::string_view share_id, std::string_view from, std::string_view to) {
  const std::lock_guard guard(mutex_);
  auto gone = subtree(share_id, to);
  std::vector<std::pair<Location, Stored>> added;
  for (auto& [location, stored] : subtree(share_id, from)) {
    added.emplace_back(Location{location.share_id, rebase(location.path, from, to)}, stored);
    gone.emplace_back(location, stored);
  }
  replace(gone, std::move(added));
}

void DeadProperties::copied(std::string_view share_id, std::string_view from, std::string_view to,
                            bool with_descendants) {
  const std::lock_guard guard(mutex_);
  const auto gone = subtree(share_id, to);
  std::vector<std::pair<Location, Stored>> added;
  for (auto& [location, stored] : subtree(share_id, from)) {
    if (!with_descendants && location.path != from) continue;
    if (resources_.size() + added.size() >= max_resources) break;
    added.emplace_back(Location{location.share_id, rebase(location.path, from, to)}, std::move(stored));
  }
  replace(gone, std::move(added));
}

void DeadProperties::removed(std::string_view share_id, std::string_view path) {
  const std::lock_guard guard(mutex_);
  replace(subtree(share_id, path), {});
}

std::vector<std::pair<DeadProperties::Location, DeadProperties::Stored>> DeadProperties::subtree(
    std::string_view share_id, std::string_view path) const {
  std::vector<std::pair<Location, Stored>> found;
  auto at = resources_.lower_bound(Location{std::string(share_id), std::string(path)});
  // "a-b" sorts between "a" and "a/b", so a stranger in between does not end the range; a prefix does.
  for (; at != resources_.end() && at->first.share_id == share_id && at->first.path.starts_with(path); ++at) {
    if (is_same_or_below(at->first.path, path)) found.emplace_back(*at);
  }
  return found;
}

void DeadProperties::replace(const std::vector<std::pair<Location, Stored>>& gone,
                             std::vector<std::pair<Location, Stored>> added) {
  if (gone.empty() && added.empty()) return;
  Transaction transaction(database_, Transaction::Kind::write);
  for (const auto& [location, stored] : gone) transaction.remove(table_, big_endian(stored.id, 8));
  for (auto& [location, stored] : added) {
    stored.id = next_id_++;
    std::vector<std::string_view> fields{location.share_id, location.path};
    for (const DeadProperty& property : stored.properties) {
      fields.insert(fields.end(), {property.name.ns, property.name.local, property.xml});
    }
    transaction.put(table_, big_endian(stored.id, 8), encode_fields(fields));
  }
  transaction.commit();
  for (const auto& [location, stored] : gone) resources_.erase(location);
  for (auto& [location, stored] : added) resources_.insert_or_assign(std::move(location), std::move(stored));
}

}  // namespace refserver::dav

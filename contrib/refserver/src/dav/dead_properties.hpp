// Properties that clients invent and the server only keeps (RFC 4918, 4: dead properties).
//
// They are few, so all of them are in memory, ordered by path (a subtree is a range), and every change is
// written through to a table of the server's database. Thread-safe. Failures of the database are thrown
// (DatabaseError); then neither memory nor disk has changed.
//
// On disk: key = a number, 8 bytes big-endian; value = fields, each a 4-byte big-endian length and that many
// bytes: share id, path, then for each property its namespace, its name and its element as XML. Paths would
// make natural keys, but can be longer than an LMDB key (511 bytes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../database.hpp"
#include "request_bodies.hpp"
#include "xml.hpp"

namespace refserver::dav {

struct DeadProperty {
  XmlName name;
  std::string xml;  // the whole element, self-contained
};

class DeadProperties {
 public:
  static constexpr std::size_t max_bytes_per_resource = 65'536;
  static constexpr std::size_t max_resources = 100'000;

  // Opens its table and reads it; before threads use the database, which must outlive this.
  explicit DeadProperties(Database& database);

  std::vector<DeadProperty> of(std::string_view share_id, std::string_view path) const;

  // Nothing at all stored for this share: lets a listing skip a look-up per row.
  bool none_in(std::string_view share_id) const;

  // Applies all updates in order, or none: false when a bound would be passed.
  bool update(std::string_view share_id, std::string_view path, std::span<const PropertyUpdate> updates);

  // These follow the resource and all below it; what the target had is replaced. A copy that would pass the
  // bound leaves out what does not fit: RFC 4918 (9.8.2) asks for best effort there.
  void moved(std::string_view share_id, std::string_view from, std::string_view to);
  void copied(std::string_view share_id, std::string_view from, std::string_view to, bool with_descendants);
  void removed(std::string_view share_id, std::string_view path);

 private:
  struct Location {
    std::string share_id;
    std::string path;
    auto operator<=>(const Location&) const = default;
  };
  struct Stored {
    std::uint64_t id = 0;
    std::vector<DeadProperty> properties;
  };
  using Resources = std::map<Location, Stored>;

  // The resource and all below it, as values; call with the mutex held.
  std::vector<std::pair<Location, Stored>> subtree(std::string_view share_id, std::string_view path) const;
  // Writes the difference to the database, then to memory; call with the mutex held.
  void replace(const std::vector<std::pair<Location, Stored>>& gone,
               std::vector<std::pair<Location, Stored>> added);

  Database& database_;
  const Table table_;
  mutable std::mutex mutex_;
  Resources resources_;        // guarded by mutex_
  std::uint64_t next_id_ = 1;  // guarded by mutex_
};

}  // namespace refserver::dav

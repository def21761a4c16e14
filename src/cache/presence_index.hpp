// Which bytes of which data files are there, in LMDB. Rebuildable: what it forgets is fetched again.
//
// Table "present": key = the 16 bytes of DataKey; value = version byte 1, last use (u64 little-endian,
// nanoseconds since the epoch), bytes present (u64 little-endian), then Extents::encode().
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "nithronfs/cache/cache.hpp"

namespace nithronfs::cache {

struct PresenceRow {
  DataKey key{};
  WallTime last_use{};
  Extents extents;
};

struct UsageRow {
  DataKey key{};
  WallTime last_use{};
  std::uint64_t bytes = 0;
};

// Thread-safe.
class PresenceIndex {
 public:
  PresenceIndex(store::Environment& environment, store::Table table)
      : environment_(environment), table_(table) {}

  // Nothing when there is no row, or none that fits `size`.
  [[nodiscard]] Result<std::optional<Extents>> load(const DataKey& key, std::uint64_t size) const;
  [[nodiscard]] Result<bool> has(const DataKey& key) const;
  // One transaction.
  [[nodiscard]] Result<void> store(std::span<const PresenceRow> rows);
  [[nodiscard]] Result<void> erase(std::span<const DataKey> keys);
  [[nodiscard]] Result<std::vector<UsageRow>> usage() const;

 private:
  store::Environment& environment_;
  store::Table table_;
};

}  // namespace nithronfs::cache

// Codec and transactions of the presence rows.
#include "presence_index.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace nithronfs::cache {
namespace {

static_assert(std::endian::native == std::endian::little, "rows are written in host order");

constexpr char row_version = 1;
constexpr std::size_t head_size = 1 + 2 * sizeof(std::uint64_t);

std::string_view as_text(const DataKey& key) {
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

std::uint64_t number_at(std::string_view row, std::size_t at) {
  std::uint64_t value = 0;
  std::memcpy(&value, row.data() + at, sizeof value);
  return value;
}

void append_number(std::string& row, std::uint64_t value) {
  row.append(reinterpret_cast<const char*>(&value), sizeof value);
}

bool readable(std::string_view row) {
  return row.size() > head_size && row.front() == row_version;
}

std::string encode(const PresenceRow& row) {
  std::string value(1, row_version);
  append_number(value, static_cast<std::uint64_t>(row.last_use.time_since_epoch().count()));
  append_number(value, row.extents.total());
  value += row.extents.encode();
  return value;
}

}  // namespace

Result<std::optional<Extents>> PresenceIndex::load(const DataKey& key, std::uint64_t size) const {
  const auto txn = environment_.read();
  const auto row = txn.get(table_, as_text(key));
  if (!row) return fail(row.error());
  if (!*row || !readable(**row)) return std::nullopt;
  auto extents = Extents::decode((*row)->substr(head_size), size);
  if (!extents) return std::nullopt;  // as good as no row: the bytes are fetched again
  return std::move(*extents);
}

Result<bool> PresenceIndex::has(const DataKey& key) const {
  const auto txn = environment_.read();
  const auto row = txn.get(table_, as_text(key));
  if (!row) return fail(row.error());
  return row->has_value();
}

Result<void> PresenceIndex::store(std::span<const PresenceRow> rows) {
  auto txn = environment_.write();
  for (const auto& row : rows) {
    if (auto put = txn.put(table_, as_text(row.key), encode(row)); !put) return put;
  }
  return txn.commit();
}

Result<void> PresenceIndex::erase(std::span<const DataKey> keys) {
  auto txn = environment_.write();
  for (const auto& key : keys) {
    if (auto erased = txn.erase(table_, as_text(key)); !erased) return fail(erased.error());
  }
  return txn.commit();
}

Result<std::vector<UsageRow>> PresenceIndex::usage() const {
  std::vector<UsageRow> rows;
  const auto txn = environment_.read();
  store::Cursor cursor(txn, table_);
  auto row = cursor.seek({});
  for (; row && *row; row = cursor.next()) {
    const auto& [key, value] = **row;
    if (key.size() != DataKey{}.size() || !readable(value)) continue;
    auto& use = rows.emplace_back();
    std::ranges::copy(key, use.key.begin());
    use.last_use = WallTime(Nanos(static_cast<std::int64_t>(number_at(value, 1))));
    use.bytes = number_at(value, 1 + sizeof(std::uint64_t));
  }
  if (!row) return fail(row.error());
  return rows;
}

}  // namespace nithronfs::cache

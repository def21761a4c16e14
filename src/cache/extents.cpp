// Interval arithmetic over an ordered map, and its row format.
#include "nithronfs/cache/extents.hpp"

#include <algorithm>

namespace nithronfs::cache {

void Extents::add(Extent extent) {
  if (extent.begin >= extent.end) return;
  auto at = by_begin_.upper_bound(extent.begin);
  if (at != by_begin_.begin()) {
    const auto before = std::prev(at);
    if (before->second >= extent.begin) at = before;
  }
  while (at != by_begin_.end() && at->first <= extent.end) {
    extent.begin = std::min(extent.begin, at->first);
    extent.end = std::max(extent.end, at->second);
    total_ -= at->second - at->first;
    at = by_begin_.erase(at);
  }
  by_begin_.emplace_hint(at, extent.begin, extent.end);
  total_ += extent.length();
}

void Extents::add(const Extents& other) {
  for (const auto& [begin, end] : other.by_begin_) add({begin, end});
}

void Extents::remove(Extent extent) {
  if (extent.begin >= extent.end) return;
  auto at = by_begin_.upper_bound(extent.begin);
  if (at != by_begin_.begin()) --at;
  while (at != by_begin_.end() && at->first < extent.end) {
    const Extent old{at->first, at->second};
    if (old.end <= extent.begin) {
      ++at;
      continue;
    }
    at = by_begin_.erase(at);
    total_ -= old.length();
    for (const Extent rest : {Extent{old.begin, std::min(old.end, extent.begin)},
                              Extent{std::max(old.begin, extent.end), old.end}}) {
      if (rest.begin >= rest.end) continue;
      by_begin_.emplace(rest.begin, rest.end);
      total_ += rest.length();
    }
  }
}

void Extents::clear() {
  by_begin_.clear();
  total_ = 0;
}

std::uint64_t Extents::contiguous_end(std::uint64_t position) const {
  auto at = by_begin_.upper_bound(position);
  if (at == by_begin_.begin()) return position;
  --at;
  return at->second > position ? at->second : position;
}

bool Extents::covers(Extent extent) const {
  return extent.begin >= extent.end || contiguous_end(extent.begin) >= extent.end;
}

std::optional<std::uint64_t> Extents::next(std::uint64_t position) const {
  if (contiguous_end(position) > position) return position;
  const auto at = by_begin_.lower_bound(position);
  if (at == by_begin_.end()) return std::nullopt;
  return at->first;
}

std::vector<Extent> Extents::gaps(Extent extent) const {
  std::vector<Extent> result;
  std::uint64_t position = extent.begin;
  while (position < extent.end) {
    position = contiguous_end(position);
    if (position >= extent.end) break;
    const auto gap_end = std::min(next(position).value_or(extent.end), extent.end);
    result.push_back({position, gap_end});
    position = gap_end;
  }
  return result;
}

std::vector<Extent> Extents::list() const {
  std::vector<Extent> result;
  result.reserve(by_begin_.size());
  for (const auto& [begin, end] : by_begin_) result.push_back({begin, end});
  return result;
}

namespace {

constexpr char row_version = 1;

void append_number(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  out += static_cast<char>(value);
}

std::optional<std::uint64_t> take_number(std::string_view& in) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string Extents::encode() const {
  std::string row(1, row_version);
  std::uint64_t last = 0;
  for (const auto& [begin, end] : by_begin_) {
    append_number(row, begin - last);
    append_number(row, end - begin);
    last = end;
  }
  return row;
}

Result<Extents> Extents::decode(std::string_view row, std::uint64_t file_size) {
  if (row.empty() || row.front() != row_version)
    return fail(Errc::corrupt, "present ranges of another format");
  row.remove_prefix(1);
  Extents extents;
  std::uint64_t last = 0;
  while (!row.empty()) {
    const auto gap = take_number(row);
    const auto length = take_number(row);
    if (!gap || !length || *length == 0 || *gap > file_size - last || *length > file_size - last - *gap) {
      return fail(Errc::corrupt, "present ranges that do not fit the file");
    }
    const auto begin = last + *gap;
    last = begin + *length;
    extents.add({begin, last});
  }
  return extents;
}

}  // namespace nithronfs::cache

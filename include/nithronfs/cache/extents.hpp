// A set of byte ranges of one file: which bytes are here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nithronfs/util/result.hpp"

namespace nithronfs::cache {

// [begin, end), never empty.
struct Extent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  [[nodiscard]] std::uint64_t length() const { return end - begin; }
  friend bool operator==(const Extent&, const Extent&) = default;
};

// Disjoint, not touching, in order. Not synchronised. Every operation costs O(log n) plus what it merges or
// yields.
class Extents {
 public:
  void add(Extent extent);
  void add(const Extents& other);
  void remove(Extent extent);
  void clear();

  [[nodiscard]] bool empty() const { return by_begin_.empty(); }
  [[nodiscard]] bool covers(Extent extent) const;
  // The parts of `extent` that are not in the set, in order.
  [[nodiscard]] std::vector<Extent> gaps(Extent extent) const;
  // End of the stretch that contains `position`; `position` itself when it is not in the set.
  [[nodiscard]] std::uint64_t contiguous_end(std::uint64_t position) const;
  // First byte of the set at or after `position`.
  [[nodiscard]] std::optional<std::uint64_t> next(std::uint64_t position) const;
  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] std::size_t count() const { return by_begin_.size(); }
  [[nodiscard]] std::vector<Extent> list() const;

  // Row format of the index: version byte 1, then per extent two LEB128 numbers: the gap since the last end,
  // and the length. Chosen over a bitmap because files are mostly whole or mostly absent.
  [[nodiscard]] std::string encode() const;
  // Errors: corrupt (also for extents beyond `file_size`).
  [[nodiscard]] static Result<Extents> decode(std::string_view row, std::uint64_t file_size);

 private:
  std::map<std::uint64_t, std::uint64_t> by_begin_;  // begin → end
  std::uint64_t total_ = 0;
};

}  // namespace nithronfs::cache

// A set of directory offsets: a bit each, in pages, because offsets grow with every name ever given while a
// directory holds few at a time. At most one page of 512 bytes per member; 13 KiB for 100,000 fresh entries.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>

namespace nithronfs::tree {

class OffsetSet {
 public:
  void insert(std::uint64_t offset);
  [[nodiscard]] bool contains(std::uint64_t offset) const;

 private:
  static constexpr std::uint64_t kBits = 4096;
  using Page = std::array<std::uint64_t, kBits / 64>;
  std::unordered_map<std::uint64_t, std::unique_ptr<Page>> pages_;
};

}  // namespace nithronfs::tree

// Pages of bits, found by the upper part of an offset.
#include "offset_set.hpp"

namespace nithronfs::tree {
namespace {

constexpr std::uint64_t bit(std::uint64_t offset) {
  return std::uint64_t{1} << (offset % 64);
}

}  // namespace

void OffsetSet::insert(std::uint64_t offset) {
  auto& page = pages_[offset / kBits];
  if (!page) page = std::make_unique<Page>();
  (*page)[offset % kBits / 64] |= bit(offset);
}

bool OffsetSet::contains(std::uint64_t offset) const {
  const auto page = pages_.find(offset / kBits);
  return page != pages_.end() && ((*page->second)[offset % kBits / 64] & bit(offset)) != 0;
}

}  // namespace nithronfs::tree

// Who is listing which directory, so that of two answers about one name the one to the later question wins.
//
// Listings of one directory overlap: a slow one may still deliver rows that are older than what a later one
// already brought. A name is *settled* for a listing once it, a listing that began later, or a fresh answer
// about just that name has confirmed it: the listing's own rows for it are then skipped, and its absence from
// the listing proves nothing. When a listing finishes, those of the same directory that began before it are
// *overtaken* and change nothing any more.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "nithronfs/tree/tree.hpp"
#include "offset_set.hpp"

namespace nithronfs::tree {

struct ActiveListing {
  NodeId directory = NodeId::none;
  std::uint64_t begun = 0;  // order of beginning
  OffsetSet settled;
  bool overtaken = false;
};

// Guarded by Core::writer, together with the listings in it.
class ListingRegistry {
 public:
  // Later than every listing.
  static constexpr std::uint64_t kFreshAnswer = std::numeric_limits<std::uint64_t>::max();

  void begin(ActiveListing& listing);
  void end(ActiveListing& listing);
  // An answer to a question asked at `begun` has confirmed these names of `directory`.
  void settle(NodeId directory, std::span<const std::uint64_t> offsets, std::uint64_t begun);
  void overtake(NodeId directory, std::uint64_t begun);

 private:
  std::vector<ActiveListing*> active_;  // few at a time: as many as there are listings on the wire
  std::uint64_t begun_ = 0;
};

}  // namespace nithronfs::tree

// Telling the active listings of a directory what others have settled.
#include "listing_registry.hpp"

namespace nithronfs::tree {

void ListingRegistry::begin(ActiveListing& listing) {
  listing.begun = ++begun_;
  active_.push_back(&listing);
}

void ListingRegistry::end(ActiveListing& listing) {
  std::erase(active_, &listing);
}

void ListingRegistry::settle(NodeId directory, std::span<const std::uint64_t> offsets, std::uint64_t begun) {
  for (ActiveListing* listing : active_) {
    if (listing->directory != directory || listing->begun > begun) continue;
    for (const std::uint64_t offset : offsets) listing->settled.insert(offset);
  }
}

void ListingRegistry::overtake(NodeId directory, std::uint64_t begun) {
  for (ActiveListing* listing : active_) {
    if (listing->directory == directory && listing->begun < begun) listing->overtaken = true;
  }
}

}  // namespace nithronfs::tree

// A listing being applied while it streams in.
#pragma once

#include <memory>

#include "core.hpp"
#include "nithronfs/tree/tree.hpp"

namespace nithronfs::tree {

// Errors: stale, not_directory, invalid_argument (the directory of all shares).
[[nodiscard]] Result<std::unique_ptr<ListingUpdate>> begin_listing(Core& core, NodeId directory);

}  // namespace nithronfs::tree

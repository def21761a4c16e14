// The slow part of removing: what was below a removed directory, and rows that nobody can ask for any more.
// In steps of bounded size, so that the writer lock is never held long; what a crash interrupts, the next
// open finishes, because the work list is in the index.
#pragma once

#include "core.hpp"
#include "nithronfs/util/result.hpp"

namespace nithronfs::tree {

// Takes down everything below directories in Tables::removals: names go, inodes are superseded.
[[nodiscard]] Result<void> take_down_removed(Core& core, Changes& changes);

// Deletes all superseded rows; only while no kernel knows their numbers.
[[nodiscard]] Result<void> purge_superseded(Core& core);

// Deletes the node's row if it is superseded.
[[nodiscard]] Result<void> release(Core& core, NodeId node);

}  // namespace nithronfs::tree

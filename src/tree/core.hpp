// What all parts of the tree share.
#pragma once

#include <mutex>

#include "identity.hpp"
#include "listing_registry.hpp"
#include "nithronfs/tree/tree.hpp"
#include "tables.hpp"

namespace nithronfs::tree {

// Lock order: `writer`, then the writer lock of the index, then that of the state database (by NodeIds).
// Nobody may wait for the index while changing the state.
struct Core {
  Core(store::Environment& environment, store::Table first_table, NodeIds& node_ids, IdentityHasher identity)
      : index(environment), tables(first_table), ids(node_ids), hasher(std::move(identity)) {}

  // Constant after construction, thread-safe themselves.
  store::Environment& index;
  const Tables tables;
  NodeIds& ids;

  std::mutex writer;  // held around every write transaction; guards what follows
  IdentityHasher hasher;
  ListingRegistry listings;
};

// Adds what happened later to what happened before.
void merge(Changes& into, Changes&& later);

}  // namespace nithronfs::tree

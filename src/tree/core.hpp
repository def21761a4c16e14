// What all parts of the tree share.
#pragma once

#include "identity.hpp"
#include "listing_registry.hpp"
#include "nithronfs/tree/tree.hpp"
#include "nithronfs/util/mutex.hpp"
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

  Mutex writer;  // held around every write transaction
  IdentityHasher hasher GUARDED_BY(writer);
  ListingRegistry listings GUARDED_BY(writer);
};

// Adds what happened later to what happened before.
void merge(Changes& into, Changes&& later);

}  // namespace nithronfs::tree

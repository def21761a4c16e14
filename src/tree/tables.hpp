// The tables of the index that belong to the tree, and what is in them. Formats: row_codec.hpp.
#pragma once

#include <cstdint>

#include "nithronfs/store/store.hpp"

namespace nithronfs::tree {

struct Tables {
  explicit Tables(store::Table first)
      : inodes(first),
        dentries(after(first, 1)),
        offsets(after(first, 2)),
        directories(after(first, 3)),
        superseded(after(first, 4)),
        removals(after(first, 5)),
        meta(after(first, 6)) {}

  store::Table inodes;       // node → what is known of it
  store::Table dentries;     // directory, name → node, offset
  store::Table offsets;      // directory, offset → node; the order of readdir
  store::Table directories;  // directory → state of its listing; no row: never listed
  store::Table superseded;   // node → nothing: rows that live until the kernel forgets them
  store::Table removals;     // directory → nothing: removed, and what was below it is being taken down
  store::Table meta;         // what the tree is of; counters

 private:
  static store::Table after(store::Table first, std::uint32_t by) {
    return static_cast<store::Table>(static_cast<std::uint32_t>(first) + by);
  }
};

}  // namespace nithronfs::tree

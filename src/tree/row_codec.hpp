// Rows of the index as bytes. All integers are big-endian, so that keys sort by number.
//
// Keys
//   node          u64
//   dentry        u64 directory, then the name (1..255 bytes, not terminated)
//   offset        u64 directory, u64 offset
//
// Inode row, version 1
//   u8  version (1)
//   u8  flags: 1 directory, 2 superseded, 4 has mode, 8 root of a share
//   u16 mode                 permission bits; 0 without flag 4
//   u64 parent               0 for the root
//   u64 ino
//   i64 verified             nanoseconds since the epoch; 0: never by itself
//   i64 mtime seconds, u32 mtime nanoseconds
//   u64 size                 files only
//   16 bytes data key        files only
//   u8  length, name         in the parent; empty for the root
//   u16 length, share id     with flag 8 only
//   the etag                 all that is left
//
// Dentry row, version 1:    u64 child, u64 offset
// Offset row, version 1:    u64 child
// Directory row, version 1: u8 version (1), u8 listing, i64 verified, u64 entries, u64 next offset
//
// Dentry and offset rows are as many as there are files and carry no version of their own: the schema number
// of the index (kSchema) covers them. Names stand twice, in the dentry's key and in the inode row: the
// alternative, a third copy in the offset row, saved readdir nothing, since it reads the inode row anyway.
// Fixed-width integers cost about 20 bytes a file more than varints and half the time.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "nithronfs/tree/tree.hpp"
#include "nithronfs/util/result.hpp"

namespace nithronfs::tree {

class NodeKey {
 public:
  explicit NodeKey(NodeId node);
  [[nodiscard]] std::string_view view() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::array<char, 8> bytes_;
};

class OffsetKey {
 public:
  OffsetKey(NodeId directory, std::uint64_t offset);
  [[nodiscard]] std::string_view view() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::array<char, 16> bytes_;
};

inline constexpr std::size_t kMaxName = 255;

class DentryKey {
 public:
  // `name` has at most kMaxName bytes.
  DentryKey(NodeId directory, std::string_view name);
  [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, 8 + kMaxName> bytes_;
  std::size_t size_;
};

// An inode row. The views point to where it was decoded from, or to what is to be encoded.
struct InodeRow {
  Inode inode;
  std::string_view name;
  std::string_view share_id;
  bool share_root = false;
};

struct DentryRow {
  NodeId child = NodeId::none;
  std::uint64_t offset = 0;
};

struct ListingRow {
  DirectoryState state;
  std::uint64_t next_offset = 1;
};

// Errors: too_large (an etag, name or share id beyond what the format holds).
[[nodiscard]] Result<void> encode_inode(const InodeRow& row, std::string& out);
[[nodiscard]] std::array<char, 16> encode_dentry(const DentryRow& row);
[[nodiscard]] std::array<char, 26> encode_listing(const ListingRow& row);

// Errors: corrupt. `row` is reused, to spare the allocation of its etag.
[[nodiscard]] Result<void> decode_inode(NodeId node, std::string_view bytes, InodeRow& row);
[[nodiscard]] Result<DentryRow> decode_dentry(std::string_view bytes);
[[nodiscard]] Result<ListingRow> decode_listing(std::string_view bytes);
// A node as a key or an offset row.
[[nodiscard]] Result<NodeId> decode_node(std::string_view bytes);
// The offset in an offset key.
[[nodiscard]] Result<std::uint64_t> decode_offset(std::string_view key);

[[nodiscard]] std::array<char, 8> encode_u64(std::uint64_t value);
[[nodiscard]] Result<std::uint64_t> decode_u64(std::string_view bytes);

}  // namespace nithronfs::tree

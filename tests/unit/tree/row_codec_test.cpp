// The rows of the index, byte by byte, and damaged ones.
#include "row_codec.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace nithronfs::tree {
namespace {

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

std::string_view view(const auto& bytes) {
  return {bytes.data(), bytes.size()};
}

InodeRow file_row() {
  InodeRow row;
  row.inode.node = NodeId{77};
  row.inode.parent = NodeId{0x0102030405060708};
  row.inode.ino = 0x1112131415161718;
  row.inode.version = {
      .etag = "\"e\"", .size = 0x2122232425262728, .mtime = {.seconds = -2, .nanoseconds = 3}};
  row.inode.mode = 0640;
  for (std::uint8_t i = 0; i < 16; ++i) row.inode.data_key[i] = static_cast<std::uint8_t>(0xa0 + i);
  row.inode.verified = WallTime(Nanos(0x31));
  row.name = "n.txt";
  return row;
}

void expect_equal(const InodeRow& decoded, const InodeRow& row) {
  EXPECT_EQ(decoded.inode.node, row.inode.node);
  EXPECT_EQ(decoded.inode.parent, row.inode.parent);
  EXPECT_EQ(decoded.inode.kind, row.inode.kind);
  EXPECT_EQ(decoded.inode.ino, row.inode.ino);
  EXPECT_EQ(decoded.inode.version, row.inode.version);
  EXPECT_EQ(decoded.inode.mode, row.inode.mode);
  EXPECT_EQ(decoded.inode.data_key, row.inode.data_key);
  EXPECT_EQ(decoded.inode.verified, row.inode.verified);
  EXPECT_EQ(decoded.inode.superseded, row.inode.superseded);
  EXPECT_EQ(decoded.name, row.name);
  EXPECT_EQ(decoded.share_root, row.share_root);
  EXPECT_EQ(decoded.share_id, row.share_id);
}

TEST(RowCodecTest, FileRowVersion1) {
  std::string bytes;
  ASSERT_TRUE(encode_inode(file_row(), bytes));
  EXPECT_EQ(hex(bytes),
            "01"                                // version
            "04"                                // flags: has mode
            "01a0"                              // mode
            "0102030405060708"                  // parent
            "1112131415161718"                  // ino
            "0000000000000031"                  // verified
            "fffffffffffffffe00000003"          // mtime
            "2122232425262728"                  // size
            "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"  // data key
            "056e2e747874"                      // name
            "226522");                          // etag
  InodeRow decoded;
  ASSERT_TRUE(decode_inode(NodeId{77}, bytes, decoded));
  expect_equal(decoded, file_row());
}

TEST(RowCodecTest, ShareRootRowVersion1) {
  InodeRow row;
  row.inode.node = NodeId{5};
  row.inode.parent = NodeId::root;
  row.inode.kind = remote::Kind::directory;
  row.inode.ino = 9;
  row.inode.superseded = true;
  row.name = "Photos";
  row.share_root = true;
  row.share_id = "id";
  std::string bytes;
  ASSERT_TRUE(encode_inode(row, bytes));
  EXPECT_EQ(hex(bytes),
            "01"                        // version
            "0b"                        // flags: directory, superseded, root of a share
            "0000"                      // no mode
            "0000000000000001"          // parent
            "0000000000000009"          // ino
            "0000000000000000"          // verified
            "000000000000000000000000"  // mtime
            "0650686f746f73"            // name
            "00026964");                // share id; no etag
  InodeRow decoded = file_row();        // nothing of what was there before may shine through
  ASSERT_TRUE(decode_inode(NodeId{5}, bytes, decoded));
  expect_equal(decoded, row);
}

TEST(RowCodecTest, ShortRows) {
  const auto dentry = encode_dentry({.child = NodeId{0x0102}, .offset = 0x0304});
  EXPECT_EQ(hex(view(dentry)), "00000000000001020000000000000304");
  EXPECT_EQ(decode_dentry(view(dentry))->child, NodeId{0x0102});
  EXPECT_EQ(decode_dentry(view(dentry))->offset, 0x0304U);

  const ListingRow listing{.state = {.listing = DirectoryState::Listing::complete,
                                     .verified = WallTime(Nanos(0x51)),
                                     .entries = 0x61},
                           .next_offset = 0x71};
  const auto bytes = encode_listing(listing);
  EXPECT_EQ(hex(view(bytes)), "0102000000000000005100000000000000610000000000000071");
  const auto decoded = decode_listing(view(bytes));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->state.listing, DirectoryState::Listing::complete);
  EXPECT_EQ(decoded->state.verified, listing.state.verified);
  EXPECT_EQ(decoded->state.entries, 0x61U);
  EXPECT_EQ(decoded->next_offset, 0x71U);
}

TEST(RowCodecTest, KeysSortByNumber) {
  EXPECT_EQ(hex(NodeKey(NodeId{0x0102}).view()), "0000000000000102");
  EXPECT_EQ(hex(OffsetKey(NodeId{1}, 2).view()), "00000000000000010000000000000002");
  EXPECT_EQ(hex(DentryKey(NodeId{1}, "ab").view()), "00000000000000016162");
  EXPECT_LT(OffsetKey(NodeId{1}, 255).view(), OffsetKey(NodeId{1}, 256).view());
  EXPECT_LT(OffsetKey(NodeId{1}, UINT64_MAX).view(), OffsetKey(NodeId{2}, 0).view());
  EXPECT_EQ(DentryKey(NodeId{1}, std::string(255, 'x')).view().size(), 263U);
  EXPECT_EQ(decode_offset(OffsetKey(NodeId{1}, 256).view()), 256U);
}

TEST(RowCodecTest, DamagedRowsAreCorrupt) {
  std::string bytes;
  ASSERT_TRUE(encode_inode(file_row(), bytes));
  InodeRow decoded;
  const std::size_t etag = 3;
  for (std::size_t length = 0; length < bytes.size() - etag; ++length) {
    const auto outcome = decode_inode(NodeId{1}, std::string_view(bytes).substr(0, length), decoded);
    ASSERT_FALSE(outcome) << length;
    EXPECT_EQ(outcome.error().code, Errc::corrupt);
  }
  bytes[0] = 2;
  EXPECT_FALSE(decode_inode(NodeId{1}, bytes, decoded)) << "a later version";

  EXPECT_FALSE(decode_dentry("short"));
  EXPECT_FALSE(decode_node("short"));
  EXPECT_FALSE(decode_offset("short"));
  EXPECT_FALSE(decode_u64("short"));
  auto listing = encode_listing({});
  EXPECT_FALSE(decode_listing(view(listing).substr(1)));
  listing[1] = 3;
  EXPECT_FALSE(decode_listing(view(listing))) << "an unknown state";
}

TEST(RowCodecTest, RefusesWhatTheFormatCannotHold) {
  std::string bytes;
  InodeRow row = file_row();
  row.inode.version.etag = std::string(65'536, 'e');
  EXPECT_EQ(encode_inode(row, bytes).error().code, Errc::too_large);
  row = file_row();
  const std::string name(256, 'n');
  row.name = name;
  EXPECT_EQ(encode_inode(row, bytes).error().code, Errc::name_too_long);
  row = file_row();
  const std::string id(65'536, 'i');
  row.share_root = true;
  row.share_id = id;
  EXPECT_EQ(encode_inode(row, bytes).error().code, Errc::too_large);
}

}  // namespace
}  // namespace nithronfs::tree

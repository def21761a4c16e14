// Codec of the rows; the formats stand in the header.
#include "row_codec.hpp"

#include <bit>
#include <cassert>
#include <concepts>
#include <cstring>
#include <limits>

namespace nithronfs::tree {
namespace {

constexpr std::uint8_t kInodeVersion = 1;
constexpr std::uint8_t kListingVersion = 1;
constexpr std::uint8_t kDirectory = 1;
constexpr std::uint8_t kSuperseded = 2;
constexpr std::uint8_t kHasMode = 4;
constexpr std::uint8_t kShareRoot = 8;

template <std::unsigned_integral T>
T big_endian(T value) {
  if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) return std::byteswap(value);
  return value;
}

template <std::unsigned_integral T>
void store_at(char* at, T value) {
  const T bytes = big_endian(value);
  std::memcpy(at, &bytes, sizeof(T));
}

template <std::unsigned_integral T>
T load_from(const char* at) {
  T bytes;
  std::memcpy(&bytes, at, sizeof(T));
  return big_endian(bytes);
}

template <std::unsigned_integral T>
void append(std::string& out, T value) {
  std::array<char, sizeof(T)> bytes;
  store_at(bytes.data(), value);
  out.append(bytes.data(), bytes.size());
}

// Takes fields off the front; after running out, everything is zero and ok() is false.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : rest_(bytes) {}

  template <std::unsigned_integral T>
  T number() {
    const std::string_view field = text(sizeof(T));
    return field.size() == sizeof(T) ? load_from<T>(field.data()) : T{0};
  }
  std::string_view text(std::size_t length) {
    if (length > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view field = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return field;
  }
  std::string_view rest() { return text(rest_.size()); }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool complete() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::unexpected<Error> corrupt(std::string_view what) {
  return fail(Errc::corrupt, std::string(what) + " in the index does not make sense");
}

WallTime wall(std::uint64_t nanoseconds) {
  return WallTime(Nanos(static_cast<std::int64_t>(nanoseconds)));
}
std::uint64_t nanoseconds(WallTime time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

std::uint8_t flags_of(const InodeRow& row) {
  unsigned flags = 0;
  if (row.inode.kind == remote::Kind::directory) flags |= kDirectory;
  if (row.inode.superseded) flags |= kSuperseded;
  if (row.inode.mode) flags |= kHasMode;
  if (row.share_root) flags |= kShareRoot;
  return static_cast<std::uint8_t>(flags);
}

}  // namespace

NodeKey::NodeKey(NodeId node) {
  store_at(bytes_.data(), static_cast<std::uint64_t>(node));
}

OffsetKey::OffsetKey(NodeId directory, std::uint64_t offset) {
  store_at(bytes_.data(), static_cast<std::uint64_t>(directory));
  store_at(bytes_.data() + 8, offset);
}

DentryKey::DentryKey(NodeId directory, std::string_view name) : size_(8 + name.size()) {
  assert(name.size() <= kMaxName);
  store_at(bytes_.data(), static_cast<std::uint64_t>(directory));
  std::memcpy(bytes_.data() + 8, name.data(), name.size());
}

Result<void> encode_inode(const InodeRow& row, std::string& out) {
  const Inode& inode = row.inode;
  if (row.name.size() > kMaxName) return fail(Errc::name_too_long, "a name above 255 bytes");
  if (row.share_id.size() > std::numeric_limits<std::uint16_t>::max()) {
    return fail(Errc::too_large, "a share id above 64 KiB");
  }
  if (inode.version.etag.size() > std::numeric_limits<std::uint16_t>::max()) {
    return fail(Errc::too_large, "an etag above 64 KiB");
  }
  out.clear();
  append(out, kInodeVersion);
  append(out, flags_of(row));
  append(out, static_cast<std::uint16_t>(inode.mode.value_or(0) & 07777U));
  append(out, static_cast<std::uint64_t>(inode.parent));
  append(out, inode.ino);
  append(out, nanoseconds(inode.verified));
  append(out, static_cast<std::uint64_t>(inode.version.mtime.seconds));
  append(out, inode.version.mtime.nanoseconds);
  if (inode.kind == remote::Kind::file) {
    append(out, inode.version.size);
    out.append(reinterpret_cast<const char*>(inode.data_key.data()), inode.data_key.size());
  }
  append(out, static_cast<std::uint8_t>(row.name.size()));
  out.append(row.name);
  if (row.share_root) {
    append(out, static_cast<std::uint16_t>(row.share_id.size()));
    out.append(row.share_id);
  }
  out.append(inode.version.etag);
  return {};
}

Result<void> decode_inode(NodeId node, std::string_view bytes, InodeRow& row) {
  FieldReader reader(bytes);
  const auto version = reader.number<std::uint8_t>();
  if (version != kInodeVersion) return corrupt("an inode row");
  const auto flags = reader.number<std::uint8_t>();
  const auto mode = reader.number<std::uint16_t>();
  Inode& inode = row.inode;
  inode.node = node;
  inode.kind = (flags & kDirectory) != 0 ? remote::Kind::directory : remote::Kind::file;
  inode.superseded = (flags & kSuperseded) != 0;
  inode.mode = (flags & kHasMode) != 0 ? std::optional<std::uint32_t>(mode) : std::nullopt;
  inode.parent = static_cast<NodeId>(reader.number<std::uint64_t>());
  inode.ino = reader.number<std::uint64_t>();
  inode.verified = wall(reader.number<std::uint64_t>());
  inode.version.mtime.seconds = static_cast<std::int64_t>(reader.number<std::uint64_t>());
  inode.version.mtime.nanoseconds = reader.number<std::uint32_t>();
  inode.version.size = 0;
  inode.data_key = {};
  if (inode.kind == remote::Kind::file) {
    inode.version.size = reader.number<std::uint64_t>();
    const std::string_view key = reader.text(inode.data_key.size());
    if (reader.ok()) std::memcpy(inode.data_key.data(), key.data(), key.size());
  }
  row.name = reader.text(reader.number<std::uint8_t>());
  row.share_root = (flags & kShareRoot) != 0;
  row.share_id = row.share_root ? reader.text(reader.number<std::uint16_t>()) : std::string_view();
  inode.version.etag = reader.rest();
  if (!reader.ok()) return corrupt("an inode row");
  return {};
}

std::array<char, 16> encode_dentry(const DentryRow& row) {
  std::array<char, 16> bytes;
  store_at(bytes.data(), static_cast<std::uint64_t>(row.child));
  store_at(bytes.data() + 8, row.offset);
  return bytes;
}

Result<DentryRow> decode_dentry(std::string_view bytes) {
  if (bytes.size() != 16) return corrupt("a dentry row");
  return DentryRow{.child = static_cast<NodeId>(load_from<std::uint64_t>(bytes.data())),
                   .offset = load_from<std::uint64_t>(bytes.data() + 8)};
}

std::array<char, 26> encode_listing(const ListingRow& row) {
  std::array<char, 26> bytes;
  store_at(bytes.data(), kListingVersion);
  store_at(bytes.data() + 1, static_cast<std::uint8_t>(row.state.listing));
  store_at(bytes.data() + 2, nanoseconds(row.state.verified));
  store_at(bytes.data() + 10, row.state.entries);
  store_at(bytes.data() + 18, row.next_offset);
  return bytes;
}

Result<ListingRow> decode_listing(std::string_view bytes) {
  FieldReader reader(bytes);
  const auto version = reader.number<std::uint8_t>();
  const auto listing = reader.number<std::uint8_t>();
  ListingRow row;
  row.state.verified = wall(reader.number<std::uint64_t>());
  row.state.entries = reader.number<std::uint64_t>();
  row.next_offset = reader.number<std::uint64_t>();
  constexpr auto kLast = static_cast<std::uint8_t>(DirectoryState::Listing::complete);
  if (version != kListingVersion || listing > kLast || !reader.complete()) return corrupt("a directory row");
  row.state.listing = static_cast<DirectoryState::Listing>(listing);
  return row;
}

Result<NodeId> decode_node(std::string_view bytes) {
  if (bytes.size() != 8) return corrupt("a node");
  return static_cast<NodeId>(load_from<std::uint64_t>(bytes.data()));
}

Result<std::uint64_t> decode_offset(std::string_view key) {
  if (key.size() != 16) return corrupt("an offset key");
  return load_from<std::uint64_t>(key.data() + 8);
}

std::array<char, 8> encode_u64(std::uint64_t value) {
  std::array<char, 8> bytes;
  store_at(bytes.data(), value);
  return bytes;
}

Result<std::uint64_t> decode_u64(std::string_view bytes) {
  if (bytes.size() != 8) return corrupt("a number");
  return load_from<std::uint64_t>(bytes.data());
}

}  // namespace nithronfs::tree

// Row codecs and lookups of the catalog's tables.
#include "catalog_store.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "crypto.hpp"
#include "encoding.hpp"

namespace refserver {
namespace {

constexpr std::string_view schema = "1";
constexpr std::size_t depth_limit = 2048;  // a path of 4095 bytes has no more components

// --- Fixed-width integers, big-endian -----------------------------------------------------------------

void add_u64(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
}

void add_text(std::string& out, std::string_view text) {
  add_u64(out, text.size());
  out += text;
}

std::string key_of(std::uint64_t value, std::string_view rest = {}) {
  std::string key;
  key.reserve(8 + rest.size());
  add_u64(key, value);
  key += rest;
  return key;
}

std::string key_of(std::uint64_t first, std::uint64_t second) {
  auto key = key_of(first);
  add_u64(key, second);
  return key;
}

// Reads what the functions above wrote; a row that is too short is corruption.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t u64() {
    auto bytes = take(8);
    std::uint64_t value = 0;
    for (char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) throw std::runtime_error("database: a catalog row is damaged");
    auto part = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return part;
  }
  std::string_view text() { return take(u64()); }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

void add_node(std::string& out, const Node& node) {
  add_u64(out, node.id);
  add_u64(out, node.version);
  add_u64(out, node.seen.inode);
  add_u64(out, node.seen.size);
  add_u64(out, static_cast<std::uint64_t>(node.seen.mtime_ns));
  add_u64(out, static_cast<std::uint64_t>(node.seen.ctime_ns));
  add_u64(out, node.mode);
}

Node read_node(Reader& in) {
  Node node;
  node.id = in.u64();
  node.version = in.u64();
  node.seen.inode = in.u64();
  node.seen.size = in.u64();
  node.seen.mtime_ns = static_cast<std::int64_t>(in.u64());
  node.seen.ctime_ns = static_cast<std::int64_t>(in.u64());
  node.mode = static_cast<std::uint32_t>(in.u64());
  return node;
}

Node root_node() {
  Node root;
  root.id = root_id;
  root.mode = S_IFDIR;
  return root;
}

std::string encode(const Change& change) {
  std::string out;
  add_u64(out, static_cast<std::uint64_t>(change.kind));
  add_node(out, change.node);
  add_text(out, change.path);
  add_text(out, change.old_path);
  return out;
}

Change decode_change(std::string_view key, std::string_view value) {
  Change change;
  change.seq = Reader(key).u64();
  Reader in(value);
  change.kind = static_cast<ChangeKind>(in.u64());
  change.node = read_node(in);
  change.path = in.text();
  change.old_path = in.text();
  return change;
}

std::int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

Fingerprint Fingerprint::of(const struct stat& status) {
  return {.inode = status.st_ino,
          .size = static_cast<std::uint64_t>(status.st_size),
          .mtime_ns = nanoseconds(status.st_mtim),
          .ctime_ns = nanoseconds(status.st_ctim)};
}

CatalogStore::CatalogStore(const std::filesystem::path& directory)
    : database_(directory, 8),
      nodes_(database_.open_table("nodes")),
      places_(database_.open_table("places")),
      hashes_(database_.open_table("hashes")),
      journal_(database_.open_table("journal")),
      meta_(database_.open_table("meta")) {
  Transaction txn(database_, Transaction::Kind::write);
  if (auto known = txn.get(meta_, "schema"); known && *known != schema) {
    throw std::runtime_error(fmt::format("{}: written by another version of this program (schema {})",
                                         directory.string(), *known));
  }
  txn.put(meta_, "schema", schema);
  if (auto known = txn.get(meta_, "generation")) {
    generation_ = *known;
  } else {
    generation_ = hex(random_bytes(4));
    txn.put(meta_, "generation", generation_);
  }
  txn.commit();
}

std::string CatalogStore::tag(const Node& node) const {
  return node.version == 0 ? std::string() : fmt::format("{}-{:x}", generation_, node.version);
}

Counters CatalogStore::counters(const Transaction& txn) const {
  Counters counters;
  if (auto row = txn.get(meta_, "counters")) {
    Reader in(*row);
    counters = {.last_seq = in.u64(),
                .last_version = in.u64(),
                .last_id = in.u64(),
                .files = in.u64(),
                .bytes = in.u64()};
  }
  return counters;
}

void CatalogStore::put_counters(Transaction& txn, const Counters& counters) const {
  std::string row;
  for (auto value :
       {counters.last_seq, counters.last_version, counters.last_id, counters.files, counters.bytes}) {
    add_u64(row, value);
  }
  txn.put(meta_, "counters", row);
}

// --- Tree ---------------------------------------------------------------------------------------------

std::optional<Node> CatalogStore::child(const Transaction& txn, std::uint64_t parent,
                                        std::string_view name) const {
  auto row = txn.get(nodes_, key_of(parent, name));
  if (!row) return std::nullopt;
  Reader in(*row);
  return read_node(in);
}

std::optional<Node> CatalogStore::node_at(const Transaction& txn, std::string_view path) const {
  Node node = root_node();
  while (!path.empty()) {
    auto slash = path.find('/');
    auto next = child(txn, node.id, path.substr(0, slash));
    if (!next) return std::nullopt;
    node = *next;
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return node;
}

std::optional<Node> CatalogStore::node_by_id(const Transaction& txn, std::uint64_t id) const {
  if (id == root_id) return root_node();
  auto place = txn.get(places_, key_of(id));
  if (!place) return std::nullopt;
  Reader in(*place);
  auto parent = in.u64();
  return child(txn, parent, in.rest());
}

std::optional<std::string> CatalogStore::path_of(const Transaction& txn, std::uint64_t id) const {
  std::vector<std::string_view> names;
  while (id != root_id) {
    auto place = txn.get(places_, key_of(id));
    if (!place || names.size() > depth_limit) return std::nullopt;
    Reader in(*place);
    id = in.u64();
    names.push_back(in.rest());
  }
  std::string path;
  for (auto name = names.rbegin(); name != names.rend(); ++name) path = join_path(path, *name);
  return path;
}

void CatalogStore::for_each_child(const Transaction& txn, std::uint64_t parent,
                                  const std::function<void(std::string_view, const Node&)>& visit) const {
  auto prefix = key_of(parent);
  Cursor cursor(txn, nodes_);
  for (bool more = cursor.seek(prefix); more && cursor.key().starts_with(prefix); more = cursor.next()) {
    Reader in(cursor.value());
    visit(cursor.key().substr(prefix.size()), read_node(in));
  }
}

std::vector<std::uint64_t> CatalogStore::ids_after(const Transaction& txn, std::uint64_t after,
                                                   std::size_t limit) const {
  std::vector<std::uint64_t> ids;
  Cursor cursor(txn, places_);
  for (bool more = cursor.seek(key_of(after + 1)); more && ids.size() < limit; more = cursor.next()) {
    ids.push_back(Reader(cursor.key()).u64());
  }
  return ids;
}

void CatalogStore::put(Transaction& txn, std::uint64_t parent, std::string_view name,
                       const Node& node) const {
  std::string row;
  add_node(row, node);
  txn.put(nodes_, key_of(parent, name), row);
  txn.put(places_, key_of(node.id), key_of(parent, name));
}

void CatalogStore::move(Transaction& txn, std::uint64_t from_parent, std::string_view from_name,
                        std::uint64_t to_parent, std::string_view to_name, const Node& node) const {
  txn.remove(nodes_, key_of(from_parent, from_name));
  put(txn, to_parent, to_name, node);
}

void CatalogStore::erase(Transaction& txn, std::uint64_t parent, std::string_view name,
                         std::uint64_t id) const {
  txn.remove(nodes_, key_of(parent, name));
  txn.remove(places_, key_of(id));
  auto prefix = key_of(id);
  Cursor cursor(txn, hashes_);
  for (bool more = cursor.seek(prefix); more && cursor.key().starts_with(prefix); more = cursor.next()) {
    cursor.remove();
  }
}

// --- Journal ------------------------------------------------------------------------------------------

void CatalogStore::append(Transaction& txn, const Change& change) const {
  txn.append(journal_, key_of(change.seq), encode(change));
}

std::vector<Change> CatalogStore::changes_after(const Transaction& txn, std::uint64_t seq,
                                                std::size_t limit) const {
  std::vector<Change> changes;
  Cursor cursor(txn, journal_);
  for (bool more = cursor.seek(key_of(seq + 1)); more && changes.size() < limit; more = cursor.next()) {
    changes.push_back(decode_change(cursor.key(), cursor.value()));
  }
  return changes;
}

std::uint64_t CatalogStore::journal_floor(const Transaction& txn) const {
  Cursor cursor(txn, journal_);
  if (!cursor.first()) return counters(txn).last_seq;
  return Reader(cursor.key()).u64() - 1;
}

void CatalogStore::trim_journal(Transaction& txn, std::size_t keep) const {
  auto count = txn.count(journal_);
  if (count <= keep) return;
  Cursor cursor(txn, journal_);
  bool more = cursor.first();
  for (std::size_t excess = count - keep; more && excess > 0; --excess) {
    cursor.remove();
    more = cursor.next();
  }
}

// --- Hashes -------------------------------------------------------------------------------------------

std::optional<FileHash> CatalogStore::find_hash(const Transaction& txn, const Node& node,
                                                std::uint64_t block_size) const {
  auto row = txn.get(hashes_, key_of(node.id, block_size));
  if (!row) return std::nullopt;
  Reader in(*row);
  if (in.u64() != node.version) return std::nullopt;
  FileHash hash;
  hash.etag = tag(node);
  hash.size = in.u64();
  hash.block_size = block_size;
  hash.sha256 = hex(in.take(32));
  for (std::uint64_t offset = 0; offset < hash.size; offset += block_size) {
    BlockHash block;
    block.offset = offset;
    block.size = std::min(block_size, hash.size - offset);
    block.sha256 = hex(in.take(32));
    block.adler32 = static_cast<std::uint32_t>(in.u64());
    hash.blocks.push_back(std::move(block));
  }
  return hash;
}

void CatalogStore::put_hash(Transaction& txn, const Node& node, const FileHash& hash) const {
  auto unhex = [](std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
    }
    return out;
  };
  std::string row;
  add_u64(row, node.version);
  add_u64(row, hash.size);
  row += unhex(hash.sha256);
  for (const auto& block : hash.blocks) {
    row += unhex(block.sha256);
    add_u64(row, block.adler32);
  }
  txn.put(hashes_, key_of(node.id, hash.block_size), row);
}

std::optional<std::string> CatalogStore::find_sha256(const Transaction& txn, const Node& node) const {
  auto prefix = key_of(node.id);
  Cursor cursor(txn, hashes_);
  for (bool more = cursor.seek(prefix); more && cursor.key().starts_with(prefix); more = cursor.next()) {
    Reader in(cursor.value());
    if (in.u64() != node.version) continue;
    in.u64();
    return hex(in.take(32));
  }
  return std::nullopt;
}

}  // namespace refserver

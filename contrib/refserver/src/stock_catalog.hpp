// The catalog of profile stock: ETags made of times and sizes, a feed that compares everything with
// everything.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "catalog.hpp"

namespace refserver {

inline constexpr std::uint64_t stock_block_size = 4 * 1024 * 1024;

class StockCatalog final : public Catalog {
 public:
  explicit StockCatalog(const Share& share) : share_(share) {}

  std::unique_ptr<Mutation> mutate() override;
  std::string etag(std::string_view path, const struct stat& now) override;
  OrErrno<FileHash> hash(std::string_view path, std::uint64_t block_size) override;  // ignores the block size

 private:
  class Guard;
  const Share& share_;
  std::mutex mutating_;
};

struct StockChange {
  std::string path;
  std::string_view type;  // create, modify or delete
  std::string hash;
  struct stat status{};  // all zero for a deletion
};

struct StockPage {
  std::vector<StockChange> changes;
  std::string cursor;
  bool has_more = false;
};

// Reads and hashes the whole share and compares it with the cursor, which is base64 of a JSON object of path
// to hash. With more than `limit` changes the rest is lost: the new cursor contains it already; deletions
// come last and are the first to go. None when the cursor cannot be read.
std::optional<StockPage> stock_changes(const Share& share, std::string_view cursor, std::size_t limit);

struct StockTotals {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};
StockTotals stock_totals(const Share& share);

}  // namespace refserver

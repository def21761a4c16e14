// Times as versions, and the whole share read for every question.
#include "stock_catalog.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <random>
#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "encoding.hpp"
#include "file_hash.hpp"

namespace refserver {
namespace {

constexpr int depth_limit = 512;

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

using Visitor = std::function<void(const std::string& path, const struct stat& status)>;

// Visits what the feed shows: no symlinks, no excluded names, nothing too large, nothing unreadable.
void walk(const Share& share, const std::string& directory, int depth, const Visitor& visit) {
  auto fd = open_beneath(share, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!fd || depth > depth_limit) return;
  std::unique_ptr<DIR, DirCloser> dir(::fdopendir(fd->get()));
  if (!dir) return;
  int descriptor = fd->release();
  while (const dirent* entry =
             ::readdir(dir.get())) {  // NOLINT(concurrency-mt-unsafe): the stream is ours alone
    std::string_view name = entry->d_name;
    if (name == "." || name == ".." || name.starts_with(internal_prefix)) continue;
    auto path = join_path(directory, name);
    struct stat status{};
    if (::fstatat(descriptor, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    bool is_dir = S_ISDIR(status.st_mode);
    if ((!is_dir && !S_ISREG(status.st_mode)) || share.excludes(path) || !is_utf8(name)) continue;
    if (!is_dir && share.max_size && static_cast<std::uint64_t>(status.st_size) > *share.max_size) continue;
    if (!is_dir && !is_readable(status)) continue;
    visit(path, status);
    if (is_dir && is_readable(status)) walk(share, path, depth + 1, visit);
  }
}

using HashByPath = std::unordered_map<std::string, std::string>;

std::optional<HashByPath> decode_cursor(std::string_view cursor) {
  HashByPath known;
  if (cursor.empty()) return known;
  auto text = base64_decode(cursor);
  if (!text) return std::nullopt;
  auto json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  for (const auto& [path, hash] : json.items()) {
    if (!hash.is_string()) return std::nullopt;
    known.emplace(path, hash.get<std::string>());
  }
  return known;
}

}  // namespace

class StockCatalog::Guard final : public Catalog::Mutation {
 public:
  explicit Guard(StockCatalog& catalog) : catalog_(catalog), lock_(catalog.mutating_) {}
  std::uint64_t created(std::string_view, const struct stat&) override { return 0; }
  std::uint64_t modified(std::string_view, const struct stat&) override { return 0; }
  std::uint64_t removed(std::string_view) override { return 0; }
  std::uint64_t renamed(std::string_view, std::string_view, const struct stat&) override { return 0; }
  std::string etag(std::string_view path, const struct stat& now) override {
    return catalog_.etag(path, now);
  }

 private:
  StockCatalog& catalog_;
  std::lock_guard<std::mutex> lock_;
};

std::unique_ptr<Catalog::Mutation> StockCatalog::mutate() {
  return std::make_unique<Guard>(*this);
}

std::string StockCatalog::etag(std::string_view, const struct stat& now) {
  if (!S_ISREG(now.st_mode)) return {};
  auto nanoseconds = now.st_mtim.tv_sec * 1'000'000'000 + now.st_mtim.tv_nsec;
  return fmt::format("{:x}{:x}", nanoseconds, now.st_size);
}

OrErrno<FileHash> StockCatalog::hash(std::string_view path, std::uint64_t) {
  auto fd = open_beneath(share_, path, O_RDONLY | O_NONBLOCK);
  if (!fd) return std::unexpected(fd.error());
  struct stat status{};
  if (::fstat(fd->get(), &status) != 0) return std::unexpected(errno);
  if (!S_ISREG(status.st_mode)) return std::unexpected(EISDIR);
  if (!is_readable(status)) return std::unexpected(EACCES);
  auto hash = hash_file(fd->get(), static_cast<std::uint64_t>(status.st_size), stock_block_size);
  if (hash) hash->etag = etag(path, status);
  return hash;
}

std::optional<StockPage> stock_changes(const Share& share, std::string_view cursor, std::size_t limit) {
  auto known = decode_cursor(cursor);
  if (!known) return std::nullopt;
  StockPage page;
  auto now = nlohmann::json::object();
  walk(share, "", 0, [&](const std::string& path, const struct stat& status) {
    std::string hash;
    if (S_ISREG(status.st_mode)) {
      auto fd = open_beneath(share, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
      auto content = fd ? hash_whole_file(fd->get()) : std::unexpected(fd.error());
      if (!content) return;
      hash = std::move(*content);
    }
    now[path] = hash;
    auto before = known->find(path);
    if (before == known->end()) {
      page.changes.push_back({path, "create", hash, status});
    } else {
      if (before->second != hash) page.changes.push_back({path, "modify", hash, status});
      known->erase(before);
    }
  });
  std::shuffle(page.changes.begin(), page.changes.end(), std::mt19937_64(std::random_device{}()));
  for (const auto& [path, hash] : *known) page.changes.push_back({path, "delete", {}, {}});
  page.has_more = page.changes.size() > limit;
  if (page.has_more) page.changes.resize(limit);
  page.cursor = base64(now.dump());
  return page;
}

StockTotals stock_totals(const Share& share) {
  StockTotals totals;
  walk(share, "", 0, [&](const std::string&, const struct stat& status) {
    if (!S_ISREG(status.st_mode)) return;
    ++totals.files;
    totals.bytes += static_cast<std::uint64_t>(status.st_size);
  });
  return totals;
}

}  // namespace refserver

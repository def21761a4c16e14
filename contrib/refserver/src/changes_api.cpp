// The change feed, in both profiles.
#include "api.hpp"
#include "feed_limits.hpp"
#include "file_mode.hpp"

namespace refserver {
namespace {

using nlohmann::json;

const char* name_of_kind(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::create:
      return "create";
    case ChangeKind::modify:
      return "modify";
    case ChangeKind::remove:
      return "delete";
    case ChangeKind::rename:
      return "rename";
  }
  return "modify";
}

json describe(const FullCatalog::FeedChange& entry) {
  const auto& change = entry.change;
  bool is_dir = change.node.is_dir();
  json row{{"path", change.path},
           {"type", name_of_kind(change.kind)},
           {"size", is_dir ? 0 : change.node.seen.size},
           {"mtime", rfc3339_ns(change.node.seen.mtime_ns)},
           {"hash", entry.sha256},
           {"is_dir", is_dir},
           {"mode", wire_mode(change.node.mode)},
           {"seq", change.seq}};
  if (change.kind == ChangeKind::rename) row["old_path"] = change.old_path;
  if (!is_dir) row["etag"] = quoted_etag(entry.etag);
  return row;
}

Response full_changes(const ApiCall& call, FullCatalog& catalog, std::uint64_t limit) {
  auto since = call.request.parameter("since_cursor").value_or("");
  auto cursor = call.request.parameter("cursor").value_or("");
  if (!since.empty() && !cursor.empty() && since != cursor) {
    return invalid("since_cursor and cursor are two names of one thing, but differ");
  }
  auto wait = number_parameter(call.request, "wait");
  if (!wait) return std::move(wait.error());
  auto seconds = std::min(wait->value_or(0), wait_max_seconds);
  auto page = catalog.changes(since.empty() ? cursor : since, limit, std::chrono::seconds(seconds));
  if (!page) {
    return error_response(410, "cursor.expired", "this cursor is too old or not of this server: list again");
  }
  auto rows = json::array();
  for (const auto& change : page->changes) rows.push_back(describe(change));
  return json_response(
      200, {{"changes", std::move(rows)}, {"cursor", page->cursor}, {"has_more", page->has_more}});
}

json describe(const StockChange& change) {
  bool is_dir = S_ISDIR(change.status.st_mode);
  bool gone = change.type == "delete";
  return {{"path", change.path},
          {"type", change.type},
          {"size", is_dir ? 0 : change.status.st_size},
          {"mtime", gone ? "0001-01-01T00:00:00Z"
                         : rfc3339(change.status.st_mtim.tv_sec, change.status.st_mtim.tv_nsec)},
          {"hash", change.hash},
          {"is_dir", is_dir}};
}

Response stock_changes_response(const ApiCall& call, const Share& share, std::uint64_t limit) {
  auto page = stock_changes(share, call.request.parameter("cursor").value_or(""), limit);
  if (!page) return error_response(400, "cursor.invalid", "invalid cursor");
  json rows = nullptr;  // never an empty list
  for (const auto& change : page->changes) rows.push_back(describe(change));
  return json_response(
      200, {{"changes", std::move(rows)}, {"cursor", page->cursor}, {"has_more", page->has_more}});
}

}  // namespace

Response get_changes(ApiCall& call) {
  auto share_id = call.request.parameter("share_id");
  if (!share_id) return invalid("share_id is missing");
  auto served = share_of(call.server, *share_id);
  if (!served) return std::move(served.error());
  auto limit = number_parameter(call.request, "limit");
  if (!limit) return std::move(limit.error());
  auto bounded = std::min(limit->value_or(default_page), page_max);
  if (bounded == 0) return invalid("limit has to be at least 1");
  if ((*served)->full) return full_changes(call, *(*served)->full, bounded);
  return stock_changes_response(call, *(*served)->share, bounded);
}

}  // namespace refserver

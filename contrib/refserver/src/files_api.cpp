// Metadata and hashes of files.
#include <fcntl.h>

#include <cerrno>

#include <fmt/format.h>

#include "api.hpp"
#include "file_hash.hpp"
#include "file_mode.hpp"

namespace refserver {
namespace {

using nlohmann::json;

constexpr std::size_t paths_limit = 10000;
constexpr std::uint64_t block_size_min = 4096;
constexpr std::uint64_t block_size_max = 64 * 1024 * 1024;
constexpr std::uint64_t block_count_max = 100000;

std::string hash_for_metadata(const ServedShare& served, const std::string& path, const struct stat& status) {
  if (!S_ISREG(status.st_mode)) return {};
  if (served.full) return served.full->known_sha256(path, status);
  auto fd = open_beneath(*served.share, path, O_RDONLY | O_NONBLOCK);
  return fd ? hash_whole_file(fd->get()).value_or("") : "";
}

OrErrno<json> describe(const ServedShare& served, const std::string& path) {
  auto status = stat_beneath(*served.share, path);
  if (!status) return std::unexpected(status.error());
  bool is_dir = S_ISDIR(status->st_mode);
  if (!is_dir && !S_ISREG(status->st_mode)) return std::unexpected(ENOENT);
  if (served.stock && !is_readable(*status)) return std::unexpected(EACCES);
  json row{{"path", path},
           {"name", name_of(path)},
           {"size", is_dir ? 0 : status->st_size},
           {"mtime", rfc3339(status->st_mtim.tv_sec, status->st_mtim.tv_nsec)},
           {"hash", hash_for_metadata(served, path, *status)},
           {"is_dir", is_dir},
           {"mode", wire_mode(status->st_mode)}};
  if (!is_dir && served.full) row["etag"] = quoted_etag(served.full->etag(path, *status));
  return row;
}

// Rows of what could be read; what could not is left out silently.
template <typename Paths>
OrResponse<json> describe_all(const ServedShare& served, const Paths& paths) {
  auto rows = json::array();
  for (std::string_view text : paths) {
    auto path = file_path(text);
    if (!path) {
      if (path.error().status == 404) continue;
      return std::unexpected(std::move(path.error()));
    }
    if (auto row = describe(served, *path)) rows.push_back(std::move(*row));
  }
  return json{{"files", std::move(rows)}};
}

// If-Match (RFC 9110, 13.1.1) against one current strong tag.
bool if_match_holds(const Request& request, const std::string& etag) {
  auto wanted = quoted_etag(etag);
  auto headers = request.headers.all("If-Match");
  for (auto header : headers) {
    while (!header.empty()) {
      auto comma = header.find(',');
      auto tag = header.substr(0, comma);
      header = comma == std::string_view::npos ? std::string_view() : header.substr(comma + 1);
      while (!tag.empty() && tag.front() == ' ') tag.remove_prefix(1);
      while (!tag.empty() && tag.back() == ' ') tag.remove_suffix(1);
      if (tag == "*" || tag == wanted) return true;
    }
  }
  return headers.empty();
}

Response precondition_failed() {
  return error_response(412, "file.version", "the file has another version by now");
}

OrResponse<std::uint64_t> block_size_of(const ServedShare& served, const json& body,
                                        const std::string& path) {
  if (served.stock) return stock_block_size;
  auto given = optional_number(body, "block_size", block_size_max);
  if (!given) return std::unexpected(std::move(given.error()));
  auto block_size = given->value_or(stock_block_size);
  if (block_size < block_size_min) {
    return std::unexpected(invalid(fmt::format("\"block_size\" has to be at least {}", block_size_min)));
  }
  auto status = stat_beneath(*served.share, path);
  if (status && static_cast<std::uint64_t>(status->st_size) / block_size > block_count_max) {
    return std::unexpected(
        invalid(fmt::format("more than {} blocks: ask with a larger block_size", block_count_max)));
  }
  return block_size;
}

}  // namespace

Response get_metadata(ApiCall& call) {
  auto served = share_of(call.server, call.arguments[0]);
  if (!served) return std::move(served.error());
  std::vector<std::string_view> paths;
  for (const auto& [name, value] : call.request.parameters) {
    if (name == "paths") paths.emplace_back(value);
  }
  if (auto one = call.request.parameter("path")) {
    auto path = file_path(*one);
    if (!path) return std::move(path.error());
    auto row = describe(**served, *path);
    return row ? json_response(200, *row) : errno_response(row.error());
  }
  if (paths.empty()) return invalid("path is missing");
  auto rows = describe_all(**served, paths);
  return rows ? json_response(200, *rows) : std::move(rows.error());
}

Response post_metadata(ApiCall& call) {
  auto served = share_of(call.server, call.arguments[0]);
  if (!served) return std::move(served.error());
  auto body = json_object(call);
  if (!body) return std::move(body.error());
  auto member = body->find("paths");
  if (member == body->end() || !member->is_array() || member->size() > paths_limit) {
    return invalid(fmt::format("\"paths\" has to be a list of at most {} strings", paths_limit));
  }
  std::vector<std::string> paths;
  for (const auto& path : *member) {
    if (!path.is_string()) return invalid("\"paths\" has to be a list of strings");
    paths.push_back(path.get<std::string>());
  }
  auto rows = describe_all(**served, paths);
  return rows ? json_response(200, *rows) : std::move(rows.error());
}

Response post_hash(ApiCall& call) {
  auto served = share_of(call.server, call.arguments[0]);
  if (!served) return std::move(served.error());
  auto body = json_object(call);
  if (!body) return std::move(body.error());
  auto text = required_text(*body, "path", 4096);
  if (!text) return std::move(text.error());
  auto path = file_path(*text);
  if (!path) return std::move(path.error());
  auto block_size = block_size_of(**served, *body, *path);
  if (!block_size) return std::move(block_size.error());
  bool conditional = (*served)->full && call.request.headers.has("If-Match");
  if (conditional) {
    auto status = stat_beneath(*(*served)->share, *path);
    if (!status) return errno_response(status.error());
    // Before the file is read for nothing; what counts is the check of what was hashed.
    if (!if_match_holds(call.request, (*served)->catalog().etag(*path, *status)))
      return precondition_failed();
  }
  auto hash = (*served)->catalog().hash(*path, *block_size);
  if (!hash) return errno_response(hash.error());
  if (conditional && !if_match_holds(call.request, hash->etag)) return precondition_failed();
  auto blocks = json::array();
  for (const auto& block : hash->blocks) {
    blocks.push_back(
        {{"offset", block.offset}, {"size", block.size}, {"hash", block.sha256}, {"weak", block.adler32}});
  }
  json answer{{"path", *path},
              {"size", hash->size},
              {"hash", hash->sha256},
              {"block_size", hash->block_size},
              {"blocks", std::move(blocks)}};
  if ((*served)->stock) return json_response(200, answer);
  answer["etag"] = quoted_etag(hash->etag);
  auto response = json_response(200, answer);
  response.headers.add("ETag", quoted_etag(hash->etag));
  return response;
}

}  // namespace refserver

// Answers and questions that all handlers share.
#include "api.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>

#include <fmt/format.h>

#include "encoding.hpp"

namespace refserver {
namespace {

using nlohmann::json;

constexpr int json_depth_limit = 32;

}  // namespace

Response json_response(int status, const json& body) {
  Response response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.headers.add("Cache-Control", "no-store");
  // Names on disk need not be UTF-8; an answer always is.
  response.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return response;
}

Response error_response(int status, std::string_view code, std::string_view message) {
  return json_response(status, {{"error", {{"code", code}, {"message", message}}}});
}

Response errno_response(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EXDEV:
      return error_response(404, "file.not_found", "there is no such file in the share");
    case EISDIR:
      return error_response(400, "file.is_directory", "this is a directory");
    case EACCES:
    case EPERM:
      return error_response(403, "file.forbidden", "the server may not read this file");
    case ENAMETOOLONG:
      return error_response(400, "file.bad_path", "the path is too long");
    case EAGAIN:
      return error_response(409, "file.changing", "the file kept changing while it was read; try again");
    default:
      return error_response(500, "internal", fmt::format("the file system says: {}", std::strerror(error)));
  }
}

Response too_many_response(std::int64_t retry_after_seconds) {
  auto response = json_response(429, {{"error",
                                       {{"code", "auth.rate_limited"},
                                        {"message", "too many attempts; try again later"},
                                        {"retryAfterSec", retry_after_seconds}}}});
  response.headers.add("Retry-After", fmt::format("{}", retry_after_seconds));
  return response;
}

std::string rfc3339(std::int64_t unix_seconds, std::int64_t nanoseconds) {
  auto seconds = static_cast<time_t>(unix_seconds);
  struct tm utc{};
  if (gmtime_r(&seconds, &utc) == nullptr) return "0001-01-01T00:00:00Z";
  auto text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", utc.tm_year + 1900, utc.tm_mon + 1,
                          utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
  if (nanoseconds != 0) {
    text += fmt::format(".{:09}", nanoseconds);
    while (text.back() == '0') text.pop_back();
  }
  return text + "Z";
}

std::string rfc3339_ns(std::int64_t unix_nanoseconds) {
  constexpr std::int64_t billion = 1'000'000'000;
  auto nanoseconds = unix_nanoseconds % billion;
  auto seconds = unix_nanoseconds / billion;
  if (nanoseconds < 0) {
    nanoseconds += billion;
    --seconds;
  }
  return rfc3339(seconds, nanoseconds);
}

std::string quoted_etag(std::string_view etag) {
  return etag.empty() ? std::string() : fmt::format("\"{}\"", etag);
}

OrResponse<json> json_object(const ApiCall& call) {
  bool too_deep = false;
  auto guard = [&](int depth, json::parse_event_t, json&) {
    too_deep = too_deep || depth > json_depth_limit;
    return !too_deep;
  };
  auto body = json::parse(call.body, guard, false);
  if (too_deep) return std::unexpected(invalid("the body is nested too deeply"));
  if (body.is_discarded()) return std::unexpected(invalid("the body is not JSON"));
  if (!body.is_object()) return std::unexpected(invalid("the body is not a JSON object"));
  return body;
}

OrResponse<std::string> required_text(const json& object, const char* name, std::size_t limit) {
  auto member = object.find(name);
  if (member == object.end() || !member->is_string()) {
    return std::unexpected(invalid(fmt::format("\"{}\" has to be a string", name)));
  }
  auto text = member->get<std::string>();
  if (text.empty() || text.size() > limit || text.find('\0') != std::string::npos) {
    return std::unexpected(invalid(fmt::format("\"{}\" has to have 1 to {} bytes", name, limit)));
  }
  return text;
}

OrResponse<std::string> optional_text(const json& object, const char* name, std::size_t limit) {
  auto member = object.find(name);
  if (member == object.end() || member->is_null()) return std::string();
  if (member->is_string() && member->get_ref<const std::string&>().empty()) return std::string();
  return required_text(object, name, limit);
}

OrResponse<std::optional<std::uint64_t>> optional_number(const json& object, const char* name,
                                                         std::uint64_t limit) {
  auto member = object.find(name);
  if (member == object.end() || member->is_null()) return std::nullopt;
  if (!member->is_number_unsigned() || member->get<std::uint64_t>() > limit) {
    return std::unexpected(invalid(fmt::format("\"{}\" has to be a whole number from 0 to {}", name, limit)));
  }
  return member->get<std::uint64_t>();
}

OrResponse<std::optional<std::uint64_t>> number_parameter(const Request& request, const char* name) {
  auto text = request.parameter(name);
  if (!text || text->empty()) return std::nullopt;
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) {
    return std::unexpected(invalid(fmt::format("{} has to be a whole number", name)));
  }
  return value;
}

OrResponse<const ServedShare*> share_of(const ServerContext& server, std::string_view id) {
  const auto* share = server.find_share(id);
  if (share == nullptr)
    return std::unexpected(error_response(404, "share.not_found", "there is no such share"));
  return share;
}

OrResponse<std::string> file_path(std::string_view text) {
  auto path = is_utf8(text) ? canonical_path(text) : std::nullopt;
  if (!path)
    return std::unexpected(error_response(400, "file.bad_path", "this is not a path inside a share"));
  if (has_internal_component(*path)) return std::unexpected(errno_response(ENOENT));
  return *path;
}

}  // namespace refserver

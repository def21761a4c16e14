// What the handlers of the sync API have in common: their call, their errors, strict reading of JSON.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "http.hpp"
#include "server_context.hpp"

namespace refserver {

struct Caller {
  std::string user;
  std::string device_id;  // empty when the caller has a session instead of a device
};

// One authenticated call of one route.
struct ApiCall {
  const ServerContext& server;
  const Request& request;
  Caller caller;
  std::vector<std::string> arguments;  // the variable segments of the path, decoded
  std::string body;
};

// --- Answers ---
Response json_response(int status, const nlohmann::json& body);
// {"error":{"code","message"}}
Response error_response(int status, std::string_view code, std::string_view message);
Response errno_response(int error);  // what the file system said about a path of a share
Response too_many_response(std::int64_t retry_after_seconds);
inline Response invalid(std::string_view message) {
  return error_response(400, "request.invalid", message);
}

std::string rfc3339(std::int64_t unix_seconds, std::int64_t nanoseconds = 0);
std::string rfc3339_ns(std::int64_t unix_nanoseconds);
std::string quoted_etag(std::string_view etag);  // as in the ETag header; empty stays empty

// --- Questions ---
template <typename T>
using OrResponse = std::expected<T, Response>;

// The body as a JSON object: at most 32 levels deep, UTF-8.
OrResponse<nlohmann::json> json_object(const ApiCall& call);

// A member of an object; the wrong type or length is refused.
OrResponse<std::string> required_text(const nlohmann::json& object, const char* name, std::size_t limit);
OrResponse<std::string> optional_text(const nlohmann::json& object, const char* name, std::size_t limit);
OrResponse<std::optional<std::uint64_t>> optional_number(const nlohmann::json& object, const char* name,
                                                         std::uint64_t limit);

// A non-negative decimal query parameter.
OrResponse<std::optional<std::uint64_t>> number_parameter(const Request& request, const char* name);

OrResponse<const ServedShare*> share_of(const ServerContext& server, std::string_view id);
// A path inside a share, as a client writes it in JSON or in the query.
OrResponse<std::string> file_path(std::string_view text);

// --- Handlers, by file ---
Response login(ApiCall& call);  // account_api.cpp
Response logout(ApiCall& call);
Response register_device(ApiCall& call);  // device_api.cpp
Response refresh_device(ApiCall& call);
Response list_devices(ApiCall& call);
Response get_device(ApiCall& call);
Response rename_device(ApiCall& call);
Response remove_device(ApiCall& call);
Response list_shares(ApiCall& call);  // share_api.cpp
Response get_capabilities(ApiCall& call);
Response get_config(ApiCall& call);
Response put_config(ApiCall& call);
Response get_state(ApiCall& call);
Response put_state(ApiCall& call);
Response get_changes(ApiCall& call);   // changes_api.cpp
Response get_metadata(ApiCall& call);  // files_api.cpp
Response post_metadata(ApiCall& call);
Response post_hash(ApiCall& call);

}  // namespace refserver

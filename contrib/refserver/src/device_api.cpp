// Devices: registering, refreshing tokens, looking after them.
#include <algorithm>
#include <array>

#include "api.hpp"

namespace refserver {
namespace {

using nlohmann::json;

json describe(const Device& device) {
  json row{{"id", device.id},
           {"device_id", device.id},
           {"user_id", device.user},
           {"device_name", device.name},
           {"device_type", device.type},
           {"os_version", device.os_version},
           {"client_version", device.client_version},
           {"created_at", rfc3339(device.created_at)},
           {"last_sync_at", nullptr},
           {"last_ip", device.last_address},
           {"scopes", {"sync.read", "sync.write"}}};
  if (device.last_seen_at != 0) row["last_sync_at"] = rfc3339(device.last_seen_at);
  return row;
}

json describe(const TokenPair& tokens) {
  return {{"device_id", tokens.device_id},
          {"device_token", tokens.device_token},
          {"refresh_token", tokens.refresh_token},
          {"expires_at", rfc3339(tokens.expires_at)}};
}

Response no_such_device() {
  return error_response(404, "device.not_found", "there is no such device");
}

constexpr std::size_t name_limit = 64;
constexpr std::size_t version_limit = 128;

}  // namespace

Response register_device(ApiCall& call) {
  auto body = json_object(call);
  if (!body) return std::move(body.error());
  auto name = required_text(*body, "device_name", name_limit);
  if (!name) return std::move(name.error());
  auto type = required_text(*body, "device_type", name_limit);
  if (!type) return std::move(type.error());
  constexpr std::array types{"windows", "linux", "macos", "android", "ios"};
  if (std::find(types.begin(), types.end(), *type) == types.end()) {
    return invalid("\"device_type\" is none of windows, linux, macos, android, ios");
  }
  auto os = optional_text(*body, "os_version", version_limit);
  if (!os) return std::move(os.error());
  auto client = optional_text(*body, "client_version", version_limit);
  if (!client) return std::move(client.error());
  auto tokens = call.server.devices->add({.user = call.caller.user,
                                          .name = std::move(*name),
                                          .type = std::move(*type),
                                          .os_version = std::move(*os),
                                          .client_version = std::move(*client),
                                          .last_address = call.request.client_address});
  if (!tokens) return error_response(409, "device.limit", "this account has as many devices as are allowed");
  auto response = json_response(201, describe(*tokens));
  // Seen from servers of late 2025: JSON that is not called JSON.
  if (call.server.profile == Profile::stock)
    response.headers.set("Content-Type", "text/plain; charset=utf-8");
  return response;
}

Response refresh_device(ApiCall& call) {
  auto body = json_object(call);
  if (!body) return std::move(body.error());
  auto token = required_text(*body, "refresh_token", 256);
  if (!token) return std::move(token.error());
  auto tokens = call.server.devices->refresh(*token);
  if (!tokens)
    return error_response(401, "auth.refresh_invalid", "the refresh token is unknown or has expired");
  return json_response(200, describe(*tokens));
}

Response list_devices(ApiCall& call) {
  auto rows = json::array();
  for (const auto& device : call.server.devices->of_user(call.caller.user)) rows.push_back(describe(device));
  auto count = rows.size();
  return json_response(200, {{"devices", std::move(rows)}, {"count", count}});
}

Response get_device(ApiCall& call) {
  auto device = call.server.devices->find(call.caller.user, call.arguments[0]);
  return device ? json_response(200, describe(*device)) : no_such_device();
}

Response rename_device(ApiCall& call) {
  auto body = json_object(call);
  if (!body) return std::move(body.error());
  auto name = required_text(*body, "device_name", name_limit);
  if (!name) return std::move(name.error());
  if (!call.server.devices->rename(call.caller.user, call.arguments[0], *name)) return no_such_device();
  return get_device(call);
}

Response remove_device(ApiCall& call) {
  if (!call.server.devices->remove(call.caller.user, call.arguments[0])) return no_such_device();
  return {.status = 204};
}

}  // namespace refserver

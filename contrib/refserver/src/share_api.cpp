// Shares, capabilities, and what a device tells the server about itself.
#include <algorithm>

#include "api.hpp"
#include "feed_limits.hpp"

namespace refserver {
namespace {

using nlohmann::json;

json describe(const ServedShare& served) {
  const auto& share = *served.share;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  if (served.full) {
    auto totals = served.full->totals();
    files = totals.files;
    bytes = totals.bytes;
  } else {
    auto totals = stock_totals(share);
    files = totals.files;
    bytes = totals.bytes;
  }
  json row{{"share_id", share.id},        {"share_name", share.name}, {"share_path", share.root.string()},
           {"sync_enabled", true},        {"total_size", bytes},      {"file_count", files},
           {"read_only", share.read_only}};
  if (share.max_size) row["max_sync_size"] = *share.max_size;
  if (!share.exclude_patterns.empty()) row["exclude_patterns"] = share.exclude_patterns;
  return row;
}

json default_config(const std::string& device_id) {
  return {{"device_id", device_id},
          {"sync_shares", json::array()},
          {"selective_paths", json::array()},
          {"bandwidth_limit_kbps", 0},
          {"paused", false}};
}

bool is_list_of_texts(const json& value) {
  if (!value.is_array()) return false;
  return std::all_of(value.begin(), value.end(), [](const json& item) { return item.is_string(); });
}

// Members that a newer client may add are kept as they are; those that are known have to make sense.
std::optional<std::string> config_error(const json& config, const std::string& device_id) {
  for (const auto& [name, value] : config.items()) {
    if (name == "device_id" && value != device_id) return "\"device_id\" is not the device that asks";
    if ((name == "sync_shares" || name == "selective_paths") && !is_list_of_texts(value)) {
      return "\"" + name + "\" has to be a list of strings";
    }
    if (name == "bandwidth_limit_kbps" && !value.is_number_unsigned()) {
      return "\"bandwidth_limit_kbps\" has to be a whole number";
    }
    if (name == "paused" && !value.is_boolean()) return "\"paused\" has to be true or false";
  }
  return std::nullopt;
}

json stored(const ApiCall& call, const std::string& name, json fallback) {
  auto text = call.server.devices->document(call.caller.device_id, name);
  return text ? json::parse(*text) : std::move(fallback);
}

}  // namespace

Response list_shares(ApiCall& call) {
  auto rows = json::array();
  for (const auto& served : call.server.shares) rows.push_back(describe(served));
  auto count = rows.size();
  return json_response(200, {{"shares", std::move(rows)}, {"count", count}});
}

Response get_capabilities(ApiCall& call) {
  if (call.server.profile == Profile::stock) return {.status = 404};
  return json_response(200, {{"protocol", 1},
                             {"features", {"changes.paged", "changes.wait", "dav.conditional", "dav.mtime"}},
                             {"limits", {{"wait_max_s", wait_max_seconds}}}});
}

Response get_config(ApiCall& call) {
  return json_response(200, stored(call, "config", default_config(call.caller.device_id)));
}

Response put_config(ApiCall& call) {
  auto body = json_object(call);
  if (!body) return std::move(body.error());
  if (auto error = config_error(*body, call.caller.device_id)) return invalid(*error);
  auto config = default_config(call.caller.device_id);
  config.update(*body);
  call.server.devices->put_document(call.caller.device_id, "config", config.dump());
  return json_response(200, config);
}

Response get_state(ApiCall& call) {
  auto served = share_of(call.server, call.arguments[0]);
  if (!served) return std::move(served.error());
  json fallback{{"device_id", call.caller.device_id},
                {"share_id", call.arguments[0]},
                {"cursor", ""},
                {"last_sync", nullptr},
                {"files", json::object()}};
  return json_response(200, stored(call, "state/" + call.arguments[0], std::move(fallback)));
}

Response put_state(ApiCall& call) {
  auto served = share_of(call.server, call.arguments[0]);
  if (!served) return std::move(served.error());
  auto state = json_object(call);
  if (!state) return std::move(state.error());
  if (state->contains("cursor") && !(*state)["cursor"].is_string())
    return invalid("\"cursor\" has to be a string");
  if (state->contains("files") && !(*state)["files"].is_object())
    return invalid("\"files\" has to be an object");
  (*state)["device_id"] = call.caller.device_id;
  (*state)["share_id"] = call.arguments[0];
  call.server.devices->put_document(call.caller.device_id, "state/" + call.arguments[0], state->dump());
  return json_response(200, *state);
}

}  // namespace refserver

// Reads JSON without exceptions: what is missing has a meaning, what is wrong is an error.
#include "remote/json_answers.hpp"

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "nithronfs/util/log.hpp"
#include "remote/names.hpp"

namespace nithronfs::remote {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxText = 4096;  // of an id, a name, a token

// Never throws; a discarded value for what is not JSON.
Json parse(std::string_view body) {
  return Json::parse(body, nullptr, false);
}

// The first field of these names that is there and not null.
const Json* field(const Json& object, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto found = object.find(name);
    if (found != object.end() && !found->is_null()) return &*found;
  }
  return nullptr;
}

std::unexpected<Error> bad(std::string_view what) {
  return fail(Errc::protocol, "the server's answer makes no sense: " + std::string(what));
}

// A string, or a number written as one (ids).
std::optional<std::string> as_text(const Json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return text.size() <= kMaxText ? std::optional(text) : std::nullopt;
  }
  if (value.is_number_unsigned()) return std::to_string(value.get<std::uint64_t>());
  return std::nullopt;
}

std::optional<std::uint64_t> as_count(const Json& value) {
  if (!value.is_number_unsigned()) return std::nullopt;
  return value.get<std::uint64_t>();
}

// Absent is zero.
Result<std::uint64_t> count_of(const Json& object, const char* name) {
  const Json* value = field(object, {name});
  if (value == nullptr) return 0;
  const auto count = as_count(*value);
  if (!count) return bad(std::string(name) + " is no count");
  return *count;
}

Result<std::vector<std::string>> patterns_of(const Json& object) {
  std::vector<std::string> patterns;
  const Json* list = field(object, {"exclude_patterns", "sync_exclude"});
  if (list == nullptr) return patterns;
  if (!list->is_array()) return bad("exclude_patterns is no list");
  for (const Json& each : *list) {
    const auto pattern = each.is_string() ? as_text(each) : std::nullopt;
    if (!pattern) return bad("an exclude pattern is no text");
    patterns.push_back(*pattern);
  }
  return patterns;
}

bool flag_of(const Json& object, std::initializer_list<const char*> names, bool otherwise) {
  const Json* value = field(object, names);
  return value != nullptr && value->is_boolean() ? value->get<bool>() : otherwise;
}

Result<Share> share_of(const Json& object) {
  if (!object.is_object()) return bad("a share is no object");
  const Json* id = field(object, {"share_id", "id"});
  const auto id_text = id == nullptr ? std::nullopt : as_text(*id);
  if (!id_text || why_unusable(*id_text)) return bad("a share has no usable id");
  Share share;
  share.id = *id_text;
  const Json* name = field(object, {"share_name", "name"});
  const auto name_text = name == nullptr ? std::nullopt : as_text(*name);
  // What people see must be a file name; the id is one.
  share.name = name_text && !why_unusable(*name_text) ? *name_text : share.id;
  auto size = count_of(object, "total_size");
  if (!size) return fail(std::move(size.error()));
  auto files = count_of(object, "file_count");
  if (!files) return fail(std::move(files.error()));
  auto patterns = patterns_of(object);
  if (!patterns) return fail(std::move(patterns.error()));
  share.total_size = *size;
  share.file_count = *files;
  share.exclude_patterns = std::move(*patterns);
  share.read_only = flag_of(object, {"read_only", "readonly"}, false);
  return share;
}

// Every share gets a name of its own: who comes later also shows its id.
void make_names_unique(std::vector<Share>& shares) {
  std::unordered_set<std::string> taken;
  for (Share& share : shares) {
    if (!taken.insert(share.name).second) {
      share.name += " (" + share.id + ")";
      taken.insert(share.name);
    }
  }
}

bool read_digits(std::string_view& text, std::size_t count, int& out) {
  if (text.size() < count) return false;
  out = 0;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return false;
    out = out * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool skip(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// "Z" or "+hh:mm"; seconds east of UTC.
std::optional<int> read_offset(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
  const int sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  int hours = 0;
  int minutes = 0;
  if (!read_digits(text, 2, hours) || !skip(text, ":") || !read_digits(text, 2, minutes) || !text.empty()) {
    return std::nullopt;
  }
  return sign * (hours * 3600 + minutes * 60);
}

std::string one_line(const std::string& text) {
  return redact(for_message(text, 200));
}

}  // namespace

Result<std::vector<Share>> parse_shares(std::string_view body) {
  const Json document = parse(body);
  if (document.is_discarded()) return bad("the list of shares is not JSON");
  const Json* list = &document;
  if (document.is_object()) {
    const auto found = document.find("shares");
    if (found == document.end()) return bad("the list of shares is missing");
    list = &*found;
  }
  std::vector<Share> shares;
  if (list->is_null() && document.is_object()) return shares;
  if (!list->is_array()) return bad("the shares are no list");
  for (const Json& each : *list) {
    auto share = share_of(each);
    if (!share) return fail(std::move(share.error()));
    if (flag_of(each, {"sync_enabled"}, true)) shares.push_back(std::move(*share));
  }
  make_names_unique(shares);
  return shares;
}

Result<Capabilities> parse_capabilities(std::string_view body) {
  const Json document = parse(body);
  if (!document.is_object()) return bad("the capabilities are not JSON");
  Capabilities capabilities;
  const Json* features = field(document, {"features"});
  if (features == nullptr) return capabilities;
  if (!features->is_array()) return bad("the features are no list");
  const auto has = [features](const char* name) {
    return std::ranges::any_of(*features,
                               [name](const Json& each) { return each.is_string() && each == name; });
  };
  capabilities.changes_paged = has("changes.paged");
  capabilities.changes_wait = has("changes.wait");
  capabilities.dav_conditional = has("dav.conditional");
  capabilities.dav_mtime = has("dav.mtime");
  capabilities.uploads = has("uploads");
  capabilities.posix = has("posix");
  return capabilities;
}

Result<TokenPair> parse_tokens(std::string_view body) {
  const Json document = parse(body);
  if (!document.is_object()) return bad("the answer about the device's tokens is not JSON");
  const auto token = [&document](const char* name) -> std::optional<std::string> {
    const Json* value = field(document, {name});
    if (value == nullptr || !value->is_string()) return std::nullopt;
    auto text = as_text(*value);
    // It becomes a header line.
    const bool printable =
        text && !text->empty() && std::ranges::all_of(*text, [](char c) { return c > 0x20 && c < 0x7f; });
    return printable ? text : std::nullopt;
  };
  const auto device_token = token("device_token");
  const auto refresh_token = token("refresh_token");
  if (!device_token || !refresh_token) return bad("a token is missing");
  TokenPair pair{.device_id = {}, .device_token = *device_token, .refresh_token = *refresh_token};
  if (const Json* id = field(document, {"device_id"})) pair.device_id = as_text(*id).value_or("");
  if (const Json* expires = field(document, {"expires_at"})) {
    if (expires->is_number_integer()) pair.expires_at = expires->get<std::int64_t>();
    if (expires->is_string())
      pair.expires_at = parse_rfc3339(expires->get_ref<const std::string&>()).value_or(0);
  }
  return pair;
}

namespace {

// Text of people may hold anything; what is not UTF-8 is replaced instead of throwing.
std::string to_text(const Json& value, int indent = -1) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string login_body(const Credentials& credentials) {
  Json body = {{"username", credentials.username}, {"password", credentials.password}};
  if (!credentials.code.empty()) body["code"] = credentials.code;
  return to_text(body);
}

std::string registration_body(const std::string& device_name, const std::string& os_version) {
  return to_text(Json{{"device_name", device_name},
                      {"device_type", "linux"},
                      {"os_version", os_version},
                      {"client_version", NITHRONFS_VERSION}});
}

std::string refresh_body(const std::string& refresh_token) {
  return to_text(Json{{"refresh_token", refresh_token}});
}

std::string account_to_json(const Account& account) {
  return to_text(Json{{"version", 1},
                      {"server", account.server},
                      {"username", account.username},
                      {"device_id", account.device_id},
                      {"device_name", account.device_name},
                      {"device_token", account.device_token},
                      {"refresh_token", account.refresh_token},
                      {"expires_at", account.expires_at},
                      {"pinned_pubkey", account.pinned_pubkey}},
                 2) +
         "\n";
}

Result<WebdavCredentials> webdav_credentials_from_json(std::string_view text) {
  const Json document = parse(text);
  const Json* username = document.is_object() ? field(document, {"username"}) : nullptr;
  const Json* password = document.is_object() ? field(document, {"password"}) : nullptr;
  const auto name = username != nullptr ? as_text(*username) : std::nullopt;
  const auto secret = password != nullptr ? as_text(*password) : std::nullopt;
  if (!name || !secret)
    return fail(Errc::corrupt, R"(it has to look like {"username": "…", "password": "…"})");
  return WebdavCredentials{.username = std::string(*name), .password = std::string(*secret)};
}

Result<Account> account_from_json(std::string_view text) {
  const Json document = parse(text);
  if (!document.is_object()) return fail(Errc::corrupt, "the account file is not JSON");
  const auto string_of = [&document](const char* name) {
    const Json* value = field(document, {name});
    return value != nullptr ? as_text(*value).value_or("") : std::string();
  };
  const Json* version = field(document, {"version"});
  if (version == nullptr || !version->is_number_integer() || *version != 1) {
    return fail(Errc::corrupt, "the account file was written by another version of this program");
  }
  Account account{.server = string_of("server"),
                  .username = string_of("username"),
                  .device_id = string_of("device_id"),
                  .device_name = string_of("device_name"),
                  .device_token = string_of("device_token"),
                  .refresh_token = string_of("refresh_token"),
                  .expires_at = 0,
                  .pinned_pubkey = string_of("pinned_pubkey")};
  const Json* expires = field(document, {"expires_at"});
  if (expires != nullptr && expires->is_number_integer()) account.expires_at = expires->get<std::int64_t>();
  if (account.server.empty() || account.device_token.empty()) {
    return fail(Errc::corrupt, "the account file lacks the server or the device's token");
  }
  return account;
}

ErrorText parse_error_text(std::string_view body) {
  ErrorText text;
  const Json document = parse(body);
  if (document.is_object()) {
    const auto string_of = [](const Json& object, std::initializer_list<const char*> names) {
      const Json* value = field(object, names);
      return value != nullptr && value->is_string() ? one_line(value->get_ref<const std::string&>()) : "";
    };
    const Json* error = field(document, {"error"});
    const Json& inner = error != nullptr && error->is_object() ? *error : document;
    text.code = string_of(inner, {"code"});
    text.message = string_of(inner, {"message", "error", "detail"});
    return text;
  }
  // Plain text is a message too; a web page is not.
  const auto start = body.find_first_not_of(" \t\r\n");
  if (!document.is_discarded() || start == std::string_view::npos || body[start] == '<') return text;
  const std::string_view line = body.substr(start, body.find_first_of("\r\n", start) - start);
  text.message = one_line(std::string(line));
  return text;
}

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!read_digits(text, 4, year) || !skip(text, "-") || !read_digits(text, 2, month) || !skip(text, "-") ||
      !read_digits(text, 2, day) || !skip(text, "Tt ") || !read_digits(text, 2, hour) || !skip(text, ":") ||
      !read_digits(text, 2, minute) || !skip(text, ":") || !read_digits(text, 2, second)) {
    return std::nullopt;
  }
  if (skip(text, ".")) {
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') text.remove_prefix(1);
  }
  const auto offset = read_offset(text);
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!offset || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const auto days = std::chrono::sys_days{date}.time_since_epoch();
  return std::chrono::seconds{days}.count() + hour * 3600 + minute * 60 + second - *offset;
}

}  // namespace nithronfs::remote

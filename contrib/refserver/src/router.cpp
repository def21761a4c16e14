// The table of routes, and who may take them.
#include "router.hpp"

#include <array>
#include <chrono>
#include <ctime>

#include <fmt/format.h>

#include "crypto.hpp"
#include "encoding.hpp"
#include "log.hpp"

namespace refserver {
namespace {

constexpr std::size_t small_body = 64 * 1024;
constexpr std::size_t large_body = 4 * 1024 * 1024;
// Go's net/http refuses more than this of request line and headers.
constexpr std::size_t stock_header_limit = 1024 * 1024 + 4096;

enum class Admission { anyone, session, device, device_or_session };

struct Route {
  std::string_view method;
  std::string_view pattern;  // "{}" stands for one segment
  Admission admission;
  std::size_t body_limit;
  Response (*handle)(ApiCall&);
};

constexpr std::array routes{
    Route{"POST", "auth/login", Admission::anyone, small_body, login},
    Route{"POST", "auth/logout", Admission::session, small_body, logout},
    Route{"POST", "sync/devices/register", Admission::session, small_body, register_device},
    Route{"POST", "sync/devices/refresh", Admission::anyone, small_body, refresh_device},
    Route{"GET", "sync/devices", Admission::device_or_session, 0, list_devices},
    Route{"GET", "sync/devices/{}", Admission::device_or_session, 0, get_device},
    Route{"PATCH", "sync/devices/{}", Admission::device_or_session, small_body, rename_device},
    Route{"DELETE", "sync/devices/{}", Admission::device_or_session, small_body, remove_device},
    Route{"GET", "sync/capabilities", Admission::device_or_session, 0, get_capabilities},
    Route{"GET", "sync/shares", Admission::device_or_session, 0, list_shares},
    Route{"GET", "sync/config", Admission::device, 0, get_config},
    Route{"PUT", "sync/config", Admission::device, small_body, put_config},
    Route{"GET", "sync/state/{}", Admission::device, 0, get_state},
    Route{"PUT", "sync/state/{}", Admission::device, large_body, put_state},
    Route{"GET", "sync/changes", Admission::device, 0, get_changes},
    Route{"GET", "sync/files/{}/metadata", Admission::device, 0, get_metadata},
    Route{"POST", "sync/files/{}/metadata", Admission::device, large_body, post_metadata},
    Route{"POST", "sync/files/{}/hash", Admission::device, small_body, post_hash},
};

constexpr std::string_view api_prefix = "/api/v1/";

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    auto slash = text.find('/');
    parts.push_back(text.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    text.remove_prefix(slash + 1);
  }
}

// The variable segments, decoded; none when the path has another form.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
  auto expected = split(pattern);
  auto given = split(path);
  if (expected.size() != given.size()) return std::nullopt;
  std::vector<std::string> arguments;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] == "{}") {
      auto decoded = percent_decode(given[i]);
      if (!decoded || decoded->empty()) return std::nullopt;
      arguments.push_back(std::move(*decoded));
    } else if (expected[i] != given[i]) {
      return std::nullopt;
    }
  }
  return arguments;
}

// Collects the body of an API call and hands it to its handler.
class ApiExchange final : public Exchange {
 public:
  ApiExchange(const ServerContext& server, const Request& request, const Route& route, Caller caller,
              std::vector<std::string> arguments)
      : request_(request),
        route_(route),
        call_{server, request_, std::move(caller), std::move(arguments), {}} {}

  std::optional<Response> refuse() override {
    if (request_.content_length.value_or(0) > route_.body_limit) return too_large();
    return std::nullopt;
  }

  bool write(std::span<const std::byte> piece) override {
    overflow_ = overflow_ || call_.body.size() + piece.size() > route_.body_limit;
    if (overflow_) return false;
    call_.body.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return true;
  }

  Response finish() override {
    if (overflow_) return too_large();
    try {
      return route_.handle(call_);
    } catch (const std::exception& error) {
      log("{} {}: {}", request_.method, request_.path, error.what());
      return error_response(500, "internal", "the server failed; its log says more");
    }
  }

 private:
  Response too_large() const {
    return error_response(413, "request.too_large",
                          fmt::format("the body may have at most {} bytes", route_.body_limit));
  }

  Request request_;
  const Route& route_;
  ApiCall call_;
  bool overflow_ = false;
};

// Stock checks a token with a deliberately slow hash: connections compete for the processor, they do not
// sleep.
void burn_cpu(std::chrono::milliseconds cost) {
  auto used = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  std::string digest(4096, 'x');
  for (auto end = used() + cost; used() < end;) digest = sha256(digest);
}

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD";
}

std::size_t header_size(const Request& request) {
  std::size_t size = request.method.size() + request.path.size() + request.query.size() + 13;
  for (const auto& [name, value] : request.headers) size += name.size() + value.size() + 4;
  return size;
}

std::optional<std::string_view> credentials(const Request& request, std::string_view scheme) {
  auto header = request.headers.get("Authorization");
  if (!header || header->size() <= scheme.size() || (*header)[scheme.size()] != ' ') return std::nullopt;
  if (!equal_without_case(header->substr(0, scheme.size()), scheme)) return std::nullopt;
  auto rest = header->substr(scheme.size() + 1);
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return rest;
}

}  // namespace

std::optional<std::string> cookie(const Request& request, std::string_view name) {
  for (auto header : request.headers.all("Cookie")) {
    while (!header.empty()) {
      auto end = header.find(';');
      auto pair = header.substr(0, end);
      header = end == std::string_view::npos ? std::string_view() : header.substr(end + 1);
      pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
      auto equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
        return std::string(pair.substr(equals + 1));
      }
    }
  }
  return std::nullopt;
}

Response Router::unauthorized(std::string_view message) const {
  if (server_.profile == Profile::full) return error_response(401, "auth.unauthorized", message);
  return json_response(401, {{"error", message}, {"code", "auth.unauthorized"}});
}

OrResponse<Caller> Router::device_caller(const Request& request) const {
  auto token = credentials(request, "Bearer");
  if (!token) return std::unexpected(unauthorized("a device token is needed"));
  if (server_.stock_token_cost.count() > 0) burn_cpu(server_.stock_token_cost);
  auto device = server_.devices->authenticate(*token, request.client_address);
  if (!device || !server_.accounts->exists(device->user)) {
    return std::unexpected(unauthorized("the device token is unknown or has expired"));
  }
  return Caller{device->user, device->id};
}

OrResponse<Caller> Router::session_caller(const Request& request) const {
  auto id = cookie(request, "nos_session");
  auto session = id ? server_.accounts->session(*id) : std::nullopt;
  if (!session) return std::unexpected(unauthorized("a session is needed: log in first"));
  auto token = request.headers.get("X-CSRF-Token");
  bool guarded =
      token && cookie(request, "nos_csrf") == *token && equal_in_constant_time(*token, session->csrf_token);
  if (!is_safe(request.method) && !guarded) {
    return std::unexpected(
        error_response(403, "auth.csrf", "X-CSRF-Token has to repeat the nos_csrf cookie of the session"));
  }
  return Caller{session->user, {}};
}

OrResponse<Caller> Router::basic_caller(const Request& request, std::string_view encoded) const {
  auto decoded = base64_decode(encoded);
  auto colon = decoded ? decoded->find(':') : std::string::npos;
  if (colon == std::string::npos) return std::unexpected(unauthorized("malformed credentials"));
  auto user = decoded->substr(0, colon);
  auto checked = server_.accounts->check_basic(request.client_address, user, decoded->substr(colon + 1));
  if (checked) return Caller{user, {}};
  if (checked.error().reason == LoginFailure::Reason::too_many) {
    return std::unexpected(too_many_response(checked.error().retry_after_seconds));
  }
  return std::unexpected(unauthorized("wrong credentials"));
}

std::unique_ptr<Exchange> Router::open_dav(const Request& request) const {
  auto basic = credentials(request, "Basic");
  auto caller = basic ? basic_caller(request, *basic) : device_caller(request);
  if (caller) return dav_(request, *caller);
  auto response = std::move(caller.error());
  if (response.status == 401)
    response.headers.add("WWW-Authenticate", "Basic realm=\"NithronOS\", charset=\"UTF-8\"");
  return answer_with(std::move(response));
}

std::unique_ptr<Exchange> Router::open(const Request& request) const {
  if (server_.profile == Profile::stock && header_size(request) > stock_header_limit) {
    return answer_with({431,
                        {{"Content-Type", "text/plain; charset=utf-8"}, {"Connection", "close"}},
                        "431 Request Header Fields Too Large",
                        {}});
  }
  std::string_view path = request.path;
  if (path.starts_with("/dav/")) return open_dav(request);
  if (!path.starts_with(api_prefix)) {
    return answer_with(error_response(404, "not_found", "there is nothing here"));
  }
  path.remove_prefix(api_prefix.size());
  std::string allowed;
  for (const auto& route : routes) {
    auto arguments = match(route.pattern, path);
    if (!arguments) continue;
    bool is_head = request.method == "HEAD" && route.method == "GET";
    if (route.method != request.method && !is_head) {
      allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", route.method);
      continue;
    }
    OrResponse<Caller> caller = Caller{};
    bool has_bearer = credentials(request, "Bearer").has_value();
    if (route.admission == Admission::session ||
        (route.admission == Admission::device_or_session && !has_bearer)) {
      caller = session_caller(request);
    } else if (route.admission != Admission::anyone) {
      caller = device_caller(request);
    }
    if (!caller) return answer_with(std::move(caller.error()));
    return std::make_unique<ApiExchange>(server_, request, route, std::move(*caller), std::move(*arguments));
  }
  if (allowed.empty()) return answer_with(error_response(404, "not_found", "there is nothing here"));
  auto response = error_response(405, "method_not_allowed", "this method is not possible here");
  response.headers.add("Allow", allowed);
  return answer_with(std::move(response));
}

}  // namespace refserver

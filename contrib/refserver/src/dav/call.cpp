// Looking at resources, naming them, and the checks that come before every change.
#include "call.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "names.hpp"
#include "xml.hpp"

namespace refserver::dav {

OrErrno<Resource> look(const Call& call, std::string_view path) {
  if (has_internal_component(path)) return std::unexpected(ENOENT);
  const auto status = stat_beneath(*call.share, path);
  if (!status) return std::unexpected(status.error());
  Resource resource{std::string(path), *status};
  if (!resource.is_directory() && !resource.is_file()) return std::unexpected(ENOENT);
  return resource;
}

bool is_readable(const Call& call, const struct stat& status) {
  return call.full() || refserver::is_readable(status);
}

std::string quoted_etag(const Call& call, const Resource& resource) {
  const std::string tag = call.held != nullptr ? call.held->etag(resource.path, resource.status)
                                               : call.catalog->etag(resource.path, resource.status);
  return tag.empty() ? tag : fmt::format("\"{}\"", tag);
}

Validators validators_of(const Call& call, const OrErrno<Resource>& resource) {
  if (!resource) return {};
  return {true, quoted_etag(call, *resource), resource->status.st_mtim.tv_sec};
}

ConditionHeaders conditions_of(const Request& request) {
  return {request.headers.get("If-Match"), request.headers.get("If-None-Match"),
          request.headers.get("If-Modified-Since"), request.headers.get("If-Unmodified-Since")};
}

std::string href(const Call& call, std::string_view path, bool is_directory) {
  std::string url =
      fmt::format("{}{}/{}", dav_prefix, percent_encode_path(call.share->id), percent_encode_path(path));
  if (is_directory && !path.empty()) url += '/';
  return url;
}

std::string lock_key(const Call& call, std::string_view path) {
  return join_path(call.share->id, path);
}

std::string href_of_lock_key(const Call& call, std::string_view key) {
  const std::size_t slash = key.find('/');
  return href(call, slash == key.npos ? std::string_view{} : key.substr(slash + 1), false);
}

std::optional<std::string> path_of_reference(const Call& call, std::string_view reference, int& error) {
  error = 400;
  if (const std::size_t scheme_end = reference.find("://"); scheme_end != reference.npos) {
    reference.remove_prefix(scheme_end + 3);
    const std::size_t slash = reference.find('/');
    const std::string_view authority = reference.substr(0, slash);
    const auto host = call.request.headers.get("Host");
    if (slash == reference.npos || (host && !equal_without_case(*host, authority))) {
      error = 502;
      return std::nullopt;
    }
    reference.remove_prefix(slash);
  }
  if (!reference.starts_with('/') || reference.find_first_of("?#") != reference.npos) return std::nullopt;
  error = 502;
  if (!reference.starts_with(dav_prefix)) return std::nullopt;
  reference.remove_prefix(dav_prefix.size());
  const std::size_t slash = reference.find('/');
  if (percent_decode(reference.substr(0, slash)) != call.share->id) return std::nullopt;
  error = 400;
  return share_path_from_url(slash == reference.npos ? std::string_view{} : reference.substr(slash));
}

Response answer(int status, Headers headers) {
  return {status, std::move(headers), std::string{}};
}

Response answer_xml(int status, std::string body, Headers headers) {
  headers.set("Content-Type", "application/xml; charset=utf-8");
  return {status, std::move(headers), std::move(body)};
}

Response answer_condition(int status, std::string_view condition) {
  return answer_xml(status, fmt::format("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
                                        "<D:error xmlns:D=\"DAV:\">{}</D:error>\n",
                                        condition));
}

int status_of_errno(const Call& call, int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EXDEV:
      return 404;
    case EACCES:
    case EPERM:
      return call.full() ? 403 : 404;  // stock does not tell "may not" from "is not"
    case EROFS:
      return 403;
    case EISDIR:
      return 405;
    case ENAMETOOLONG:
      return 414;
    case EFBIG:
      return 413;
    case ENOSPC:
    case EDQUOT:
      return 507;
    case EBUSY:
      return 409;
    default:
      return 500;
  }
}

Response answer_error(const Call& call, int error_number) {
  return answer(status_of_errno(call, error_number));
}

std::string status_line(int status) {
  const auto phrase = [status]() -> std::string_view {
    switch (status) {
      case 200:
        return "OK";
      case 403:
        return "Forbidden";
      case 404:
        return "Not Found";
      case 424:
        return "Failed Dependency";
      case 507:
        return "Insufficient Storage";
      default:
        return "Error";
    }
  };
  return fmt::format("HTTP/1.1 {} {}", status, phrase());
}

void add_sequence(Response& response, std::uint64_t sequence) {
  if (sequence != 0) response.headers.set("X-Sync-Seq", std::to_string(sequence));
}

std::optional<Response> refuse_change(const Call& call, const std::vector<Touch>& touches) {
  if (call.share->read_only) return answer(403);
  const auto state_of = [&](const std::string& reference) {
    int error = 0;
    const auto path =
        reference.empty() ? std::optional(call.path) : path_of_reference(call, reference, error);
    IfState state;
    if (!path) return state;
    state.etag = validators_of(call, look(call, *path)).etag;
    for (Lock& lock : call.state->locks.covering(lock_key(call, *path)))
      state.tokens.push_back(std::move(lock.token));
    return state;
  };
  if (!call.if_lists.empty() && !holds(call.if_lists, state_of)) return answer(412);

  const auto tokens = submitted_tokens(call.if_lists);
  for (const Touch& touch : touches) {
    if (const auto root = call.state->locks.obstacle(touch, tokens, call.user)) {
      return answer_condition(
          423, fmt::format("<D:lock-token-submitted><D:href>{}</D:href></D:lock-token-submitted>",
                           href_of_lock_key(call, *root)));
    }
  }
  return std::nullopt;
}

std::optional<Response> refuse_by_conditions(const Call& call, const OrErrno<Resource>& resource) {
  if (!call.full()) return std::nullopt;
  if (evaluate(conditions_of(call.request), validators_of(call, resource), false) == Verdict::proceed) {
    return std::nullopt;
  }
  return answer(412);
}

OrErrno<UniqueFd> hold_parent(const Call& call, std::string_view path) {
  if (!call.full()) return UniqueFd{};
  return open_beneath(*call.share, parent_of(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int sync_directory(const Call& call, const OrErrno<UniqueFd>& directory) {
  if (!directory) return directory.error();
  if (!*directory) return 0;
  struct stat status{};
  if (::fstat(directory->get(), &status) != 0) return errno;
  return call.state->sync.sync(directory->get(), status.st_dev);
}

std::optional<struct timespec> parse_unix_time(std::string_view text) {
  const std::size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  struct timespec time{};
  const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), time.tv_sec);
  if (error != std::errc{} || end != whole.data() + whole.size()) return std::nullopt;
  if (dot == text.npos) return time;

  std::string fraction(text.substr(dot + 1, 9));  // what is finer than a nanosecond is dropped
  if (fraction.find_first_not_of("0123456789") != fraction.npos) return std::nullopt;
  fraction.resize(9, '0');
  std::from_chars(fraction.data(), fraction.data() + fraction.size(), time.tv_nsec);
  return time;
}

}  // namespace refserver::dav

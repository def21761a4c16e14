// LOCK and UNLOCK.
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <string>

#include "methods.hpp"
#include "names.hpp"
#include "properties.hpp"

namespace refserver::dav {
namespace {

// "Infinite, Second-4100000000": the first that is understood. Anything else gets the longest time there is.
std::chrono::seconds timeout_of(const Request& request) {
  const auto header = request.headers.get("Timeout");
  const std::size_t at = header ? header->find("Second-") : std::string_view::npos;
  if (at == std::string_view::npos) return LockTable::max_timeout;
  const std::string_view digits = header->substr(at + 7);
  unsigned long seconds = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  if (error == std::errc::invalid_argument || seconds == 0) return LockTable::max_timeout;
  const auto longest = static_cast<unsigned long>(LockTable::max_timeout.count());
  return std::chrono::seconds(error == std::errc{} ? std::min(seconds, longest) : longest);
}

Response describe(const Call& call, int status, Headers headers = {}) {
  return answer_xml(status,
                    fmt::format("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
                                "<D:prop xmlns:D=\"DAV:\"><D:lockdiscovery>{}</D:lockdiscovery></D:prop>\n",
                                active_locks(call, call.path)),
                    std::move(headers));
}

// LOCK without a body: the lock that the If header names lives on.
Response refresh(const Call& call) {
  const auto tokens = submitted_tokens(call.if_lists);
  if (tokens.size() != 1) return answer(400);
  const auto renewed = call.state->locks.refresh(lock_key(call, call.path), tokens.front(), call.user,
                                                 timeout_of(call.request));
  return renewed ? describe(call, 200) : answer_condition(412, "<D:lock-token-matches-request-uri/>");
}

// RFC 4918, 7.3: a lock on a name that is free makes an empty file. errno or 0.
int create_empty(const Call& call, std::uint64_t& sequence) {
  const auto fd = open_beneath(*call.share, call.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (!fd) return fd.error();
  struct stat now{};
  if (::fstat(fd->get(), &now) != 0) return errno;
  sequence = call.held->created(call.path, now);
  return 0;
}

std::optional<Response> refuse_lock(const Call& call, const OrErrno<Resource>& resource) {
  if (!resource && resource.error() != ENOENT) {
    return resource.error() == ENOTDIR ? answer(409) : answer_error(call, resource.error());
  }
  if (has_internal_component(call.path) || (call.full() && !is_valid_utf8(call.path))) return answer(403);
  if (!resource && !look(call, parent_of(call.path))) return answer(409);
  if (resource) return refuse_change(call, {});
  return refuse_change(call, {{.key = lock_key(call, call.path), .changes_membership = true}});
}

}  // namespace

Response lock(Call& call, const std::string& body) {
  if (body.empty()) return refresh(call);
  const auto depth = call.request.headers.get("Depth");
  const auto wanted = parse_lockinfo(body);
  const bool infinite = !depth || equal_without_case(*depth, "infinity");
  if (!wanted || (!infinite && depth != "0")) return answer(400);
  if (!call.full() && !wanted->exclusive) return answer(501);

  Change change(call);
  const auto resource = look(call, call.path);
  if (auto refusal = refuse_lock(call, resource)) return std::move(*refusal);
  const auto taken = call.state->locks.acquire({.root = lock_key(call, call.path),
                                                .exclusive = wanted->exclusive,
                                                .infinite = infinite,
                                                .owner_xml = wanted->owner_xml,
                                                .user = call.user,
                                                .timeout = timeout_of(call.request)});
  if (!taken) {
    return taken.error() == LockTable::Refusal::full ? answer(503, {{"Retry-After", "60"}})
                                                     : answer_condition(423, "<D:no-conflicting-lock/>");
  }
  std::uint64_t sequence = 0;
  if (!resource) {
    if (const int error = create_empty(call, sequence); error != 0) {
      call.state->locks.release(taken->root, taken->token, call.user);
      return error == EEXIST ? answer(403) : answer_error(call, error);
    }
  }
  Response response =
      describe(call, resource ? 200 : 201, {{"Lock-Token", fmt::format("<{}>", taken->token)}});
  add_sequence(response, sequence);
  return response;
}

Response unlock(Call& call, const std::string&) {
  const auto header = call.request.headers.get("Lock-Token");
  if (!header || !header->starts_with('<') || !header->ends_with('>')) return answer(400);
  const std::string_view token = header->substr(1, header->size() - 2);
  if (call.state->locks.release(lock_key(call, call.path), token, call.user)) return answer(204);
  return answer_condition(409, "<D:lock-token-matches-request-uri/>");
}

}  // namespace refserver::dav

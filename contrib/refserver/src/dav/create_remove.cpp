// MKCOL and DELETE.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>

#include "methods.hpp"
#include "names.hpp"
#include "temporary.hpp"

namespace refserver::dav {
namespace {

int make_directory(const Call& call, const std::optional<struct timespec>& mtime) {
  const auto place = open_parent(*call.share, call.path);
  if (!place) return place.error();
  if (::mkdirat(place->parent.get(), place->name.c_str(), 0777) != 0) return errno;
  if (!mtime) return 0;
  const struct timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, *mtime};
  return ::utimensat(place->parent.get(), place->name.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
}

Response refuse_make_directory(const Call& call, int error) {
  if (error == ENOENT || error == ENOTDIR) return answer(409);
  if (error == EEXIST || error == EBUSY || !call.full()) return answer(405);
  return answer_error(call, error);
}

// Full: the directory disappears in one step, whole, and its contents are removed afterwards.
Response remove_in_one_step(Call& call) {
  const bool only_if_empty = call.request.headers.get("X-Delete-If-Empty") == "1";
  Change change(call);
  const auto resource = look(call, call.path);
  if (!resource) return answer_error(call, resource.error());
  const Touch touch{.key = lock_key(call, call.path), .with_descendants = true, .changes_membership = true};
  if (auto refusal = refuse_change(call, {touch})) return std::move(*refusal);
  if (auto refusal = refuse_by_conditions(call, resource)) return std::move(*refusal);

  std::optional<Temporary> hidden;
  if (resource->is_directory() && !only_if_empty) {
    auto gone = Temporary::hide(*call.share, call.path);
    if (!gone) return answer_error(call, gone.error());
    hidden.emplace(std::move(*gone));
  } else {
    const auto place = open_parent(*call.share, call.path);
    if (!place) return answer_error(call, place.error());
    const int flags = resource->is_directory() ? AT_REMOVEDIR : 0;
    if (::unlinkat(place->parent.get(), place->name.c_str(), flags) != 0) {
      return errno == ENOTEMPTY || errno == EEXIST ? answer(409) : answer_error(call, errno);
    }
  }
  Response response = answer(204);
  add_sequence(response, change->removed(call.path));
  call.state->locks.forget_tree(touch.key);
  call.state->dead_properties.removed(call.share->id, call.path);
  const auto parent = hold_parent(call, call.path);
  change.end();

  hidden.reset();
  const int error = sync_directory(call, parent);
  return error == 0 ? std::move(response) : answer_error(call, error);
}

// Stock: entry by entry, in place; a failure half-way leaves what was not reached yet.
Response remove_in_place(Call& call) {
  Change change(call);
  const auto resource = look(call, call.path);
  if (!resource) return answer_error(call, resource.error());
  const Touch touch{.key = lock_key(call, call.path), .with_descendants = true, .changes_membership = true};
  if (auto refusal = refuse_change(call, {touch})) return std::move(*refusal);
  const auto place = open_parent(*call.share, call.path);
  if (!place || remove_tree(place->parent.get(), place->name) != 0) return answer(405);
  change->removed(call.path);
  call.state->locks.forget_tree(touch.key);
  return answer(204);
}

}  // namespace

Response make_collection(Call& call, const std::string& body) {
  if (!body.empty()) return answer(415);
  std::optional<struct timespec> mtime;
  if (const auto text = call.request.headers.get("X-OC-Mtime"); text && call.full()) {
    mtime = parse_unix_time(*text);
    if (!mtime) return answer(400);
  }
  if (call.path.empty()) return answer(405);
  if (has_internal_component(call.path)) return answer(403);
  if (call.full() && !is_valid_utf8(call.path)) return answer(400);

  Change change(call);
  const auto existing = look(call, call.path);
  if (existing) return answer(405);
  if (auto refusal = refuse_change(call, {{.key = lock_key(call, call.path), .changes_membership = true}})) {
    return std::move(*refusal);
  }
  if (auto refusal = refuse_by_conditions(call, existing)) return std::move(*refusal);
  if (const int error = make_directory(call, mtime); error != 0) return refuse_make_directory(call, error);
  const auto made = look(call, call.path);
  if (!made) return answer_error(call, made.error());
  Response response = answer(201);
  add_sequence(response, change->created(call.path, made->status));
  const auto parent = hold_parent(call, call.path);
  change.end();

  if (const int error = sync_directory(call, parent); error != 0) return answer_error(call, error);
  if (mtime) response.headers.set("X-OC-Mtime", "accepted");
  return response;
}

Response remove(Call& call, const std::string&) {
  if (call.path.empty()) return answer(403);  // the share itself is not the client's to remove
  return call.full() ? remove_in_one_step(call) : remove_in_place(call);
}

}  // namespace refserver::dav

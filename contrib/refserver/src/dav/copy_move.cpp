// COPY and MOVE. Full: the destination changes in one step. Stock: it is removed first, whatever comes then.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "methods.hpp"
#include "names.hpp"
#include "temporary.hpp"
#include "tree_copy.hpp"

namespace refserver::dav {
namespace {

struct Plan {
  std::string target;
  bool overwrite = true;
  bool shallow = false;  // COPY of a collection with Depth 0
};

// Reads Destination, Overwrite and Depth; the response, if any, refuses them.
std::optional<Response> read_plan(const Call& call, Plan& plan) {
  const bool is_move = call.request.method == "MOVE";
  const Headers& headers = call.request.headers;
  const auto destination = headers.get("Destination");
  if (!destination) return answer(400);
  int error = 0;
  const auto target = path_of_reference(call, *destination, error);
  if (!target) return answer(error);
  plan.target = *target;

  const auto overwrite = headers.get("Overwrite");
  const bool by_default = call.full() || !is_move;  // stock takes a MOVE without the header for F
  plan.overwrite = overwrite ? equal_without_case(*overwrite, "T") : by_default;

  const auto depth = headers.get("Depth");
  plan.shallow = depth == "0";
  if (depth && !equal_without_case(*depth, "infinity") && (is_move || !plan.shallow)) return answer(400);

  if (call.path.empty() || plan.target.empty()) return answer(403);
  if (is_same_or_below(plan.target, call.path) || is_same_or_below(call.path, plan.target))
    return answer(403);
  if (has_internal_component(plan.target)) return answer(403);
  if (call.full() && !is_valid_utf8(plan.target)) return answer(400);
  return std::nullopt;
}

std::vector<Touch> touches_of(const Call& call, const Plan& plan, bool target_exists) {
  std::vector<Touch> touches;
  if (call.request.method == "MOVE") {
    touches.push_back(
        {.key = lock_key(call, call.path), .with_descendants = true, .changes_membership = true});
  }
  touches.push_back({.key = lock_key(call, plan.target),
                     .with_descendants = target_exists,
                     .changes_membership = !target_exists});
  return touches;
}

// What forbids the change, with source and target as they are now.
std::optional<Response> refuse_plan(const Call& call, const Plan& plan, const OrErrno<Resource>& target) {
  if (!target && target.error() != ENOENT) {
    return target.error() == ENOTDIR ? answer(409) : answer_error(call, target.error());
  }
  if (auto refusal = refuse_change(call, touches_of(call, plan, target.has_value()))) return refusal;
  if (target && !plan.overwrite) return answer(412);
  if (auto refusal = refuse_by_conditions(call, target)) return refusal;
  const auto parent = look(call, parent_of(plan.target));
  if (!parent || !parent->is_directory()) return answer(409);
  // A symlink or device is not shown, so it is in the way without being there.
  if (!target && stat_beneath(*call.share, plan.target)) return answer(403);
  return std::nullopt;
}

int rename_beneath(const Call& call, std::string_view from, std::string_view to) {
  const auto source = open_parent(*call.share, from);
  if (!source) return source.error();
  const auto target = open_parent(*call.share, to);
  if (!target) return target.error();
  const int result =
      ::renameat(source->parent.get(), source->name.c_str(), target->parent.get(), target->name.c_str());
  return result == 0 ? 0 : errno;
}

// Files replace files by the rename itself; anything else has to be out of the way first. On return `hidden`
// holds what was there, to be removed once the change is done. errno or 0.
int clear_target(const Call& call, const Resource& source, const OrErrno<Resource>& target,
                 std::optional<Temporary>& hidden) {
  if (!target || (source.is_file() && target->is_file())) return 0;
  auto gone = Temporary::hide(*call.share, target->path);
  if (!gone) return gone.error();
  hidden.emplace(std::move(*gone));
  return 0;
}

// The rename failed: what was hidden gets its name back.
Response undo(const Call& call, const Plan& plan, std::optional<Temporary>& hidden, int error) {
  if (hidden) {
    if (const int lost = hidden->publish(*call.share, plan.target); lost != 0)
      return answer_error(call, lost);
    hidden.reset();
  }
  return answer_error(call, error);
}

// Ends the change, then makes both directories durable.
Response finish_change(const Call& call, const Plan& plan, Change& change, Response response) {
  const bool same = parent_of(call.path) == parent_of(plan.target);
  const auto to = hold_parent(call, plan.target);
  const auto from = same ? OrErrno<UniqueFd>(UniqueFd{}) : hold_parent(call, call.path);
  change.end();
  int error = sync_directory(call, to);
  if (error == 0) error = sync_directory(call, from);
  return error == 0 ? std::move(response) : answer_error(call, error);
}

Response move_in_one_step(Call& call, const Plan& plan) {
  std::optional<Temporary> hidden;
  Change change(call);
  const auto source = look(call, call.path);
  if (!source) return answer_error(call, source.error());
  const auto target = look(call, plan.target);
  if (auto refusal = refuse_plan(call, plan, target)) return std::move(*refusal);
  if (const int error = clear_target(call, *source, target, hidden); error != 0)
    return answer_error(call, error);
  if (const int error = rename_beneath(call, call.path, plan.target); error != 0) {
    return undo(call, plan, hidden, error);
  }
  const auto moved = look(call, plan.target);
  if (!moved) return answer_error(call, moved.error());
  Response response = answer(target ? 204 : 201);
  add_sequence(response, change->renamed(call.path, plan.target, moved->status));
  if (const std::string tag = quoted_etag(call, *moved); !tag.empty()) response.headers.set("ETag", tag);
  call.state->locks.forget_tree(lock_key(call, call.path));
  call.state->dead_properties.moved(call.share->id, call.path, plan.target);
  return finish_change(call, plan, change, std::move(response));
}

// Copies `source` under a hidden name beside the target and puts it on disk. errno or 0.
int stage_copy(const Call& call, const Plan& plan, const Resource& source, std::optional<Temporary>& staged,
               std::vector<std::string>& copied) {
  const auto kind = source.is_file() ? Temporary::Kind::file : Temporary::Kind::directory;
  auto made = Temporary::create_beside(*call.share, plan.target, kind);
  if (!made) return made.error();
  staged.emplace(std::move(*made));
  if (source.is_file()) {
    if (const int error = copy_file(call, source.path, staged->fd()); error != 0) return error;
    struct stat status{};
    if (::fstat(staged->fd(), &status) != 0) return errno;
    return call.state->sync.sync(staged->fd(), status.st_dev);
  }
  if (plan.shallow) return 0;
  if (const int error = copy_contents(call, source.path, staged->path(), copied); error != 0) return error;
  return ::syncfs(staged->fd()) == 0 ? 0 : errno;  // cheaper than one sync for each of the files
}

// Tells the catalog of all that appeared. The sequence number of the last report.
std::uint64_t report_copy(const Call& call, Change& change, const Plan& plan, const Resource& copy,
                          const OrErrno<Resource>& before, const std::vector<std::string>& copied) {
  if (before && before->is_file() && copy.is_file()) return change->modified(plan.target, copy.status);
  if (before) change->removed(plan.target);
  std::uint64_t sequence = change->created(plan.target, copy.status);
  for (const std::string& below : copied) {
    const std::string path = join_path(plan.target, below);
    if (const auto entry = look(call, path)) sequence = change->created(path, entry->status);
  }
  return sequence;
}

Response copy_in_one_step(Call& call, const Plan& plan) {
  const auto source = look(call, call.path);
  if (!source) return answer_error(call, source.error());
  if (auto refusal = refuse_plan(call, plan, look(call, plan.target))) return std::move(*refusal);
  std::optional<Temporary> staged;
  std::vector<std::string> copied;
  if (const int error = stage_copy(call, plan, *source, staged, copied); error != 0)
    return answer_error(call, error);

  std::optional<Temporary> hidden;
  Change change(call);
  const auto target = look(call, plan.target);  // again: copying took its time
  if (auto refusal = refuse_plan(call, plan, target)) return std::move(*refusal);
  if (const int error = clear_target(call, *source, target, hidden); error != 0)
    return answer_error(call, error);
  if (const int error = staged->publish(*call.share, plan.target); error != 0) {
    return undo(call, plan, hidden, error);
  }
  const auto copy = look(call, plan.target);
  if (!copy) return answer_error(call, copy.error());
  Response response = answer(target ? 204 : 201);
  add_sequence(response, report_copy(call, change, plan, *copy, target, copied));
  if (const std::string tag = quoted_etag(call, *copy); !tag.empty()) response.headers.set("ETag", tag);
  call.state->dead_properties.copied(call.share->id, call.path, plan.target, !plan.shallow);
  return finish_change(call, plan, change, std::move(response));
}

int remove_target(const Call& call, const std::string& path) {
  const auto place = open_parent(*call.share, path);
  return place ? remove_tree(place->parent.get(), place->name) : place.error();
}

// Stock does not look at the source before it removes the target: a MOVE whose source is gone, repeated
// after a lost answer, deletes what the first one had moved.
Response move_in_place(Call& call, const Plan& plan) {
  Change change(call);
  const auto target = look(call, plan.target);
  if (auto refusal = refuse_change(call, touches_of(call, plan, target.has_value())))
    return std::move(*refusal);
  if (target && !plan.overwrite) return answer(412);
  if (target && remove_target(call, plan.target) != 0) return answer(403);
  if (target) change->removed(plan.target);
  if (rename_beneath(call, call.path, plan.target) != 0) return answer(403);
  if (const auto moved = look(call, plan.target)) change->renamed(call.path, plan.target, moved->status);
  call.state->locks.forget_tree(lock_key(call, call.path));
  return answer(target ? 204 : 201);
}

// errno or 0.
int copy_to_name(const Call& call, const Plan& plan, const Resource& source) {
  if (source.is_file()) {
    const auto fd = open_beneath(*call.share, plan.target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return fd ? copy_file(call, source.path, fd->get()) : fd.error();
  }
  const auto place = open_parent(*call.share, plan.target);
  if (!place) return place.error();
  if (::mkdirat(place->parent.get(), place->name.c_str(), 0777) != 0) return errno;
  std::vector<std::string> copied;
  return plan.shallow ? 0 : copy_contents(call, source.path, plan.target, copied);
}

Response copy_in_place(Call& call, const Plan& plan) {
  const auto source = look(call, call.path);
  if (!source) return answer_error(call, source.error());
  const auto target = look(call, plan.target);
  if (auto refusal = refuse_change(call, touches_of(call, plan, target.has_value())))
    return std::move(*refusal);
  if (target && !plan.overwrite) return answer(412);
  if (target && remove_target(call, plan.target) != 0) return answer(403);
  if (const int error = copy_to_name(call, plan, *source); error != 0) {
    return answer(error == ENOENT || error == ENOTDIR ? 409 : 403);
  }
  Change change(call);
  if (const auto copy = look(call, plan.target)) change->created(plan.target, copy->status);
  return answer(target ? 204 : 201);
}

}  // namespace

Response copy(Call& call, const std::string&) {
  Plan plan;
  if (auto refusal = read_plan(call, plan)) return std::move(*refusal);
  return call.full() ? copy_in_one_step(call, plan) : copy_in_place(call, plan);
}

Response move(Call& call, const std::string&) {
  Plan plan;
  if (auto refusal = read_plan(call, plan)) return std::move(*refusal);
  return call.full() ? move_in_one_step(call, plan) : move_in_place(call, plan);
}

}  // namespace refserver::dav

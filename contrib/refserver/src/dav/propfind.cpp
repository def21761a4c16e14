// PROPFIND: the answer is made while it is sent, so a listing of any size takes the same memory.
#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>
#include <memory>
#include <optional>

#include "methods.hpp"
#include "properties.hpp"
#include "tree_walk.hpp"

namespace refserver::dav {
namespace {

constexpr std::size_t chunk_size = 65'536;

enum class Depth { zero, one, infinity };

std::optional<Depth> depth_of(const Request& request) {
  const auto header = request.headers.get("Depth");
  if (!header || equal_without_case(*header, "infinity")) return Depth::infinity;
  if (*header == "0") return Depth::zero;
  if (*header == "1") return Depth::one;
  return std::nullopt;
}

// The rows of one listing, first the resource itself.
class Listing {
 public:
  Listing(const Call& call, const PropfindQuery& query, Resource self, Depth depth)
      : writer_(call, query), self_(std::move(self)), full_(call.full()) {
    const bool descend = depth != Depth::zero && self_->is_directory() && is_readable(call, self_->status);
    if (descend) walk_.emplace(call, call.path, depth == Depth::infinity);
  }

  StreamBody::Step next(std::string& chunk) {
    if (self_) {
      chunk += "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
      chunk +=
          fmt::format("<D:multistatus xmlns:D=\"{}\" xmlns:N=\"{}\">\n", dav_namespace, nithron_namespace);
      writer_.append_response(chunk, *self_);
      self_.reset();
    }
    while (walk_ && chunk.size() < chunk_size) {
      const auto entry = walk_->next();
      if (!entry) return StreamBody::Step::broken;  // a client must not take what it has for everything
      if (!*entry) walk_.reset();
      if (*entry) append(chunk, **entry);
    }
    if (walk_) return StreamBody::Step::more;
    chunk += "</D:multistatus>\n";
    return StreamBody::Step::end;
  }

 private:
  void append(std::string& chunk, const WalkEntry& entry) {
    if (entry.closed && full_) {
      writer_.append_refusal(chunk, entry.resource, 403);
    } else {
      writer_.append_response(chunk, entry.resource);
    }
  }

  PropertyWriter writer_;
  std::optional<Resource> self_;
  std::optional<TreeWalk> walk_;
  bool full_;
};

// A directory whose entries nobody may read must not look like an empty one: full says 403 up front.
int check_listable(const Call& call, const Resource& resource, Depth depth) {
  if (!call.full() || depth == Depth::zero || !resource.is_directory()) return 0;
  const auto fd = open_beneath(*call.share, resource.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fd ? 0 : fd.error();
}

}  // namespace

Response propfind(Call& call, const std::string& body) {
  const auto depth = depth_of(call.request);
  const auto query = parse_propfind(body);
  if (!depth || !query) return answer(400);
  auto resource = look(call, call.path);
  if (!resource) return answer_error(call, resource.error());
  // Stock fails inside its listing, after the point where it could still say so.
  if (resource->is_file() && !is_readable(call, resource->status)) return answer(200);
  if (const int error = check_listable(call, *resource, *depth); error != 0) return answer_error(call, error);

  Response response = answer_xml(207, "");
  auto listing = std::make_shared<Listing>(call, *query, std::move(*resource), *depth);
  response.body = StreamBody{[listing](std::string& chunk) { return listing->next(chunk); }};
  return response;
}

}  // namespace refserver::dav

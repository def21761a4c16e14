// Finds out which share, path and method a request means, and starts its exchange.
#include "dav.hpp"

#include <array>
#include <utility>

#include "methods.hpp"
#include "xml.hpp"

namespace refserver {
namespace {

using dav::Call;

struct Route {
  std::string_view name;
  dav::Method method;
};

constexpr std::array routes{
    Route{"GET", &dav::get},
    Route{"HEAD", &dav::get},
    Route{"OPTIONS", &dav::options},
    Route{"PROPFIND", &dav::propfind},
    Route{"PROPPATCH", &dav::proppatch},
    Route{"DELETE", &dav::remove},
    Route{"MKCOL", &dav::make_collection},
    Route{"COPY", &dav::copy},
    Route{"MOVE", &dav::move},
    Route{"LOCK", &dav::lock},
    Route{"UNLOCK", &dav::unlock},
};

// Collects a body within the bound that XML bodies have, then answers at once.
class CollectingExchange final : public Exchange {
 public:
  CollectingExchange(Call call, dav::Method method) : call_(std::move(call)), method_(method) {}

  bool write(std::span<const std::byte> piece) override {
    if (body_.size() + piece.size() > dav::XmlLimits{}.bytes) {
      too_large_ = true;
      return false;
    }
    body_.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return true;
  }

  Response finish() override { return too_large_ ? dav::answer(413) : method_(call_, body_); }

 private:
  Call call_;
  dav::Method method_;
  std::string body_;
  bool too_large_ = false;
};

std::unique_ptr<Exchange> start(Call call) {
  if (call.request.method == "PUT") {
    return call.full() ? dav::make_atomic_put(std::move(call)) : dav::make_in_place_put(std::move(call));
  }
  for (const Route& route : routes) {
    if (route.name == call.request.method)
      return std::make_unique<CollectingExchange>(std::move(call), route.method);
  }
  return answer_with(dav::answer(405, {{"Allow", std::string(dav::allowed_methods)}}));
}

}  // namespace

std::unique_ptr<Exchange> make_dav_exchange(const Request& request, const DavContext& context) {
  std::string_view rest = request.path;
  rest.remove_prefix(dav_prefix.size());
  const std::size_t slash = rest.find('/');
  const auto share_id = percent_decode(rest.substr(0, slash));
  const auto path = share_path_from_url(slash == rest.npos ? std::string_view{} : rest.substr(slash));
  // A '#' never belongs into a request; taken for part of a name it would make files that no URL reaches.
  if (!share_id || !path || request.path.find('#') != request.path.npos) return answer_with(dav::answer(400));
  const auto found = context.find_share(*share_id);
  if (!found) return answer_with(dav::answer(404));

  Call call{.request = request,
            .profile = context.profile,
            .share = found->share,
            .catalog = found->catalog,
            .state = context.state,
            .user = context.user,
            .path = *path};
  if (const auto header = request.headers.get("If")) {
    auto lists = dav::parse_if_header(*header);
    if (!lists) return answer_with(dav::answer(400));
    call.if_lists = std::move(*lists);
  }
  return start(std::move(call));
}

}  // namespace refserver

// Builds the WebDAV requests and picks the answer that understands each.
#include "remote/dav_client.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "nithronfs/net/url.hpp"
#include "remote/listing_answer.hpp"
#include "remote/names.hpp"
#include "remote/range_answer.hpp"

namespace nithronfs::remote {
namespace {

// Without a deadline of the caller's: a large listing may take as many times the time-out ...
constexpr int kListingPatience = 10;
// ... and a read is given the time-out, and what this rate needs for its bytes.
constexpr std::uint64_t kSlowestRate = std::uint64_t{16} * 1024;  // bytes per second

// A path that means what it says when the server resolves it.
bool is_plain(std::string_view path) {
  if (path.empty()) return true;
  while (true) {
    const auto slash = path.find('/');
    const std::string_view component = path.substr(0, slash);
    if (component.empty() || component == "." || component == ".." ||
        component.find('\0') != std::string_view::npos) {
      return false;
    }
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

std::unexpected<Error> not_plain() {
  return fail(Errc::invalid_argument, "not a path relative to a share");
}

net::Request dav_request(const Session& session, std::string method, std::string_view path,
                         const CallOptions& options) {
  return net::Request{.method = std::move(method),
                      .url = session.server() + net::percent_encode_path(path),
                      .headers = {},
                      .body = {},
                      .priority = options.priority,
                      .repeatable = true,
                      .deadline = options.deadline > Nanos{0} ? options.deadline : session.timeout(),
                      .stall = session.timeout()};
}

net::Request propfind(const Session& session, std::string_view path, const char* depth, std::string_view body,
                      const CallOptions& options) {
  net::Request request = dav_request(session, "PROPFIND", path, options);
  request.headers = {{"Depth", depth}, {"Content-Type", "application/xml; charset=utf-8"}};
  request.body = body;
  return request;
}

Nanos read_deadline(const Session& session, std::uint64_t length) {
  constexpr std::uint64_t kLongest = 24 * 3600;
  return session.timeout() + std::chrono::seconds(std::min(kLongest, length / kSlowestRate));
}

}  // namespace

Task<Result<Entry>> dav_stat(std::shared_ptr<Session> session, DavPlace place, CallOptions options) {
  if (!is_plain(place.path)) co_return not_plain();
  const auto answer = std::make_shared<ListingAnswer>(place.full(), nullptr);
  // A share's root is known to be a collection; asked without the slash, some servers redirect.
  const std::string path = place.path.empty() ? place.root + "/" : place.full();
  Session::Exchange exchange{.request = propfind(*session, path, "0", listing_request_body(), options),
                             .answer = answer,
                             .cancel = options.cancel};
  auto sent = co_await Session::send(session, std::move(exchange));
  if (!sent) co_return fail(std::move(sent.error()));
  co_return answer->self();
}

Task<Result<Entry>> dav_list(std::shared_ptr<Session> session, DavPlace place,
                             std::shared_ptr<ListingReceiver> receiver, CallOptions options) {
  if (!is_plain(place.path)) co_return not_plain();
  const auto answer = std::make_shared<ListingAnswer>(place.full(), std::move(receiver));
  net::Request request = propfind(*session, place.full() + "/", "1", listing_request_body(), options);
  if (options.deadline <= Nanos{0}) request.deadline = session->timeout() * kListingPatience;
  Session::Exchange exchange{.request = std::move(request), .answer = answer, .cancel = options.cancel};
  auto sent = co_await Session::send(session, std::move(exchange));
  if (!sent) co_return fail(std::move(sent.error()));
  auto self = answer->self();
  if (self && self->kind != Kind::directory) {
    co_return fail(Errc::not_directory, "the server has a file there, not a directory");
  }
  co_return self;
}

Task<Result<void>> dav_read(std::shared_ptr<Session> session, DavPlace place, Version version,
                            ByteRange range, std::shared_ptr<BytesReceiver> receiver, CallOptions options) {
  if (!is_plain(place.path) || place.path.empty()) co_return not_plain();
  if (range.length == 0 || range.offset > version.size || range.length > version.size - range.offset) {
    co_return fail(Errc::invalid_argument, "the range lies outside of the file");
  }
  net::Request request = dav_request(*session, "GET", place.full(), options);
  if (options.deadline <= Nanos{0}) request.deadline = read_deadline(*session, range.length);
  request.headers = {{"Range", fmt::format("bytes={}-{}", range.offset, range.end() - 1)},
                     {"Accept-Encoding", "identity"}};
  if (is_strong(version.etag)) request.headers.push_back({"If-Match", version.etag});

  const BytesReceiver* const key = receiver.get();
  const auto link = std::make_shared<net::CallLink>(session->client());
  session->add_read(key, link);
  Session::Exchange exchange{
      .request = std::move(request),
      .answer = std::make_shared<RangeAnswer>(std::move(version), range, std::move(receiver)),
      .cancel = options.cancel,
      .link = link};
  auto sent = co_await Session::send(session, std::move(exchange));
  session->remove_read(key);
  co_return sent;
}

Task<Result<Space>> dav_space(std::shared_ptr<Session> session, DavPlace place, CallOptions options) {
  const auto answer = std::make_shared<QuotaAnswer>();
  Session::Exchange exchange{
      .request = propfind(*session, place.full() + "/", "0", quota_request_body(), options),
      .answer = answer,
      .cancel = options.cancel};
  auto sent = co_await Session::send(session, std::move(exchange));
  if (!sent) co_return fail(std::move(sent.error()));
  co_return answer->space();
}

}  // namespace nithronfs::remote

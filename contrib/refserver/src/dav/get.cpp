// GET, HEAD and OPTIONS.
#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>

#include "media_type.hpp"
#include "methods.hpp"

namespace refserver::dav {
namespace {

struct OpenedFile {
  UniqueFd fd;
  Resource resource;
};

// Opens first and looks at the descriptor afterwards, so that headers and bytes are of one file whatever
// happens to its name meanwhile. O_NONBLOCK keeps a FIFO from holding the thread.
OrErrno<OpenedFile> open_file(const Call& call) {
  if (has_internal_component(call.path)) return std::unexpected(ENOENT);
  auto fd = open_beneath(*call.share, call.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (!fd) return std::unexpected(fd.error());
  OpenedFile file{std::move(*fd), {call.path, {}}};
  if (::fstat(file.fd.get(), &file.resource.status) != 0) return std::unexpected(errno);
  if (file.resource.is_directory()) return std::unexpected(EISDIR);
  if (!file.resource.is_file()) return std::unexpected(ENOENT);
  if (!is_readable(call, file.resource.status)) return std::unexpected(EACCES);
  return file;
}

Response send_file(Response response, OpenedFile file, const RangeChoice& range) {
  const auto size = static_cast<std::uint64_t>(file.resource.status.st_size);
  if (std::holds_alternative<RangeNotSatisfiable>(range)) {
    response.status = 416;
    response.headers.set("Content-Range", fmt::format("bytes */{}", size));
    return response;
  }
  ByteSlice slice{0, size};
  if (const auto* wanted = std::get_if<ByteSlice>(&range)) {
    slice = *wanted;
    response.status = 206;
    response.headers.set("Content-Range",
                         fmt::format("bytes {}-{}/{}", slice.offset, slice.offset + slice.length - 1, size));
  }
  response.headers.set("Content-Type", std::string(media_type_of(name_of(file.resource.path))));
  response.body = FileBody{std::move(file.fd), slice.offset, slice.length};
  return response;
}

}  // namespace

Response get(Call& call, const std::string&) {
  auto file = open_file(call);
  if (!file) {
    Response refusal = answer_error(call, file.error());
    if (refusal.status == 405)
      refusal.headers.set("Allow", "OPTIONS, PROPFIND, PROPPATCH, DELETE, COPY, MOVE, LOCK");
    return refusal;
  }
  const Headers& headers = call.request.headers;
  const Validators validators = validators_of(call, file->resource);
  Response response = answer(200, {{"ETag", validators.etag},
                                   {"Last-Modified", http_date(validators.modified)},
                                   {"Accept-Ranges", "bytes"},
                                   // A page that somebody stored here must not act in the server's name.
                                   {"Content-Security-Policy", "sandbox"},
                                   {"X-Content-Type-Options", "nosniff"}});
  switch (evaluate(conditions_of(call.request), validators, true)) {
    case Verdict::not_modified:
      response.status = 304;
      return response;
    case Verdict::precondition_failed:
      response.status = 412;
      return response;
    case Verdict::proceed:
      break;
  }
  RangeChoice range = WholeBody{};
  const auto wanted = headers.get("Range");
  if (wanted && call.request.method == "GET" && range_applies(headers.get("If-Range"), validators)) {
    range = choose_range(*wanted, static_cast<std::uint64_t>(file->resource.status.st_size));
  }
  return send_file(std::move(response), std::move(*file), range);
}

Response options(Call&, const std::string&) {
  return answer(200, {{"DAV", "1, 2"}, {"MS-Author-Via", "DAV"}, {"Allow", std::string(allowed_methods)}});
}

}  // namespace refserver::dav

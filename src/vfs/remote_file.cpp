// Fetching and confirming one version.
#include "remote_file.hpp"

#include <fmt/format.h>

namespace nithronfs::vfs {

Task<Result<void>> RemoteFile::fetch(remote::ByteRange range, std::shared_ptr<remote::BytesReceiver> receiver,
                                     remote::CallOptions options) {
  auto outcome = co_await remote_.read(location_.share, location_.path, version_, range, std::move(receiver),
                                       std::move(options));
  // A file that is not there any more is one whose version is gone (S2).
  if (!outcome && outcome.error().code == Errc::not_found) outcome.error().code = Errc::stale;
  if (!outcome) on_failure_(location_.path, outcome.error());
  co_return outcome;
}

Task<Result<void>> RemoteFile::confirm(remote::CallOptions options) {
  auto entry = co_await remote_.stat(location_.share, location_.path, std::move(options));
  const bool gone = !entry && entry.error().code == Errc::not_found;
  if (!gone && entry && entry->kind == remote::Kind::file && remote::same_version(entry->version, version_)) {
    co_return Result<void>{};
  }
  auto error =
      entry || gone ? Error{Errc::stale, "it was replaced on the server while it was read"} : entry.error();
  on_failure_(location_.path, error);
  co_return fail(std::move(error));
}

cache::FileSpec file_spec(const tree::Inode& inode) {
  return {.key = inode.data_key,
          .size = inode.version.size,
          .version = fmt::format("1 {} {}.{:09} {}", inode.version.size, inode.version.mtime.seconds,
                                 inode.version.mtime.nanoseconds, inode.version.etag)};
}

}  // namespace nithronfs::vfs

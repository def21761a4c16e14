// The bytes of one version of one file, as the cache wants them: a Source over the server.
#pragma once

#include "nithronfs/vfs/vfs.hpp"

namespace nithronfs::vfs {

class RemoteFile final : public cache::Source {
 public:
  // `on_failure` is told, on the net thread, of every failure; Errc::stale: the server has another version
  // now.
  using OnFailure = std::function<void(const std::string& path, const Error& error)>;
  RemoteFile(remote::Remote& remote, tree::Location location, remote::Version version, OnFailure on_failure)
      : remote_(remote),
        location_(std::move(location)),
        version_(std::move(version)),
        on_failure_(std::move(on_failure)) {}

  Task<Result<void>> fetch(remote::ByteRange range, std::shared_ptr<remote::BytesReceiver> receiver,
                           remote::CallOptions options) override;
  bool atomic() const override { return remote_.atomic_versions(); }
  Task<Result<void>> confirm(remote::CallOptions options) override;

 private:
  remote::Remote& remote_;
  const tree::Location location_;
  const remote::Version version_;
  const OnFailure on_failure_;
};

// What identifies a version on the outside of its data file; the same for the same version, for ever.
[[nodiscard]] cache::FileSpec file_spec(const tree::Inode& inode);

}  // namespace nithronfs::vfs

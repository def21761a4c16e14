// The bytes of one version of one file, as the cache wants them: a Source over the server.
#pragma once

#include "nithronfs/vfs/vfs.hpp"

namespace nithronfs::vfs {

class RemoteFile final : public cache::Source {
 public:
  // `on_stale` is told, on the net thread, that the server has another version now.
  RemoteFile(remote::Remote& remote, tree::Location location, remote::Version version,
             std::function<void()> on_stale)
      : remote_(remote),
        location_(std::move(location)),
        version_(std::move(version)),
        on_stale_(std::move(on_stale)) {}

  Task<Result<void>> fetch(remote::ByteRange range, std::shared_ptr<remote::BytesReceiver> receiver,
                           remote::CallOptions options) override;
  bool atomic() const override { return remote_.atomic_versions(); }
  Task<Result<void>> confirm(remote::CallOptions options) override;

 private:
  remote::Remote& remote_;
  const tree::Location location_;
  const remote::Version version_;
  const std::function<void()> on_stale_;
};

// What identifies a version on the outside of its data file; the same for the same version, for ever.
[[nodiscard]] cache::FileSpec file_spec(const tree::Inode& inode);

}  // namespace nithronfs::vfs

// What the mount tells about itself on D-Bus.
#pragma once

#include "nithronfs/cache/cache.hpp"
#include "nithronfs/config/mount_config.hpp"
#include "nithronfs/dbus/server.hpp"
#include "nithronfs/net/http.hpp"
#include "nithronfs/remote/remote.hpp"
#include "nithronfs/vfs/vfs.hpp"

namespace nithronfs::daemon {

// References outlive it. Thread-safe.
class StatusProvider final : public dbus::MountStatusProvider {
 public:
  struct Parts {
    const config::MountConfig& config;
    const vfs::Vfs& vfs;
    const cache::BlockCache& cache;
    const tree::Tree& tree;
    const remote::Remote& remote;
    const net::HttpClient& client;
    std::uint64_t cache_limit = 0;
  };
  explicit StatusProvider(const Parts& parts) : parts_(parts) {}
  dbus::MountStatus status() const override;
  std::vector<dbus::Problem> problems() const override;
  std::vector<dbus::Statistic> statistics() const override;

 private:
  const Parts parts_;
};

}  // namespace nithronfs::daemon

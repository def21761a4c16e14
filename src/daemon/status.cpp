// Collects the status from the modules.
#include "status.hpp"

#include <fmt/format.h>

#include <functional>

namespace nithronfs::daemon {
namespace {

std::uint64_t microseconds(WallTime time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count());
}

}  // namespace

dbus::MountStatus StatusProvider::status() const {
  dbus::MountStatus status;
  status.mount_point = parts_.config.mountpoint;
  status.server = parts_.config.url.to_string();
  status.online = parts_.remote.online();
  status.state = !status.online        ? dbus::MountState::offline
                 : parts_.vfs.busy()   ? dbus::MountState::scanning
                 : parts_.cache.busy() ? dbus::MountState::downloading
                                       : dbus::MountState::idle;
  // There is no feed yet: freshness comes from asking again (K3), and the status says so.
  status.feed_healthy = false;
  status.last_sync_us = microseconds(parts_.vfs.last_confirmed());
  status.cached_bytes = parts_.cache.total_bytes();
  status.cache_limit = parts_.cache_limit;
  status.problems = static_cast<std::uint32_t>(parts_.vfs.problems().size());
  return status;
}

std::vector<dbus::Problem> StatusProvider::problems() const {
  std::vector<dbus::Problem> problems;
  for (auto& problem : parts_.vfs.problems()) {
    const auto id = std::hash<std::string>()(problem.path + '\0' + problem.message);
    problems.push_back({.id = fmt::format("{:016x}", id),
                        .kind = "refused_name",
                        .path = std::move(problem.path),
                        .message = std::move(problem.message),
                        .since_us = microseconds(problem.since)});
  }
  return problems;
}

std::vector<dbus::Statistic> StatusProvider::statistics() const {
  const auto cache = parts_.cache.counters();
  const auto net = parts_.client.counters();
  std::vector<dbus::Statistic> statistics = {
      {"requests", net.requests},
      {"connections", net.connections},
      {"bytes_received", net.bytes_received},
      {"reads", cache.reads},
      {"cache_hits", cache.hits},
      {"fetches", cache.fetches},
      {"bytes_fetched", cache.bytes_fetched},
      {"evicted_files", cache.evicted_files},
      {"cached_bytes", parts_.cache.total_bytes()},
  };
  if (const auto totals = parts_.tree.totals()) {
    statistics.push_back({"inodes", totals->inodes});
    statistics.push_back({"directories_listed", totals->directories_listed});
  }
  return statistics;
}

}  // namespace nithronfs::daemon

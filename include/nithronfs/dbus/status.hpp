// What a mount tells about itself, on either end of the connection.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nithronfs/util/result.hpp"

namespace nithronfs::dbus {

enum class MountState : std::uint8_t {
  idle,
  scanning,
  syncing,
  uploading,
  downloading,
  paused,
  offline,
  error
};

// The word that stands in the property State.
[[nodiscard]] std::string_view name_of(MountState state);
[[nodiscard]] Result<MountState> parse_mount_state(std::string_view name);

struct MountStatus {
  std::string mount_point;
  std::string server;  // the URL that is mounted
  MountState state = MountState::idle;
  bool online = false;
  bool feed_healthy = false;
  std::uint64_t last_sync_us = 0;  // since the Unix epoch: the server last confirmed something; 0: never
  std::uint32_t pending_uploads = 0;
  std::uint64_t pending_bytes = 0;
  std::uint64_t cached_bytes = 0;
  std::uint64_t cache_limit = 0;  // 0: none
  std::uint32_t problems = 0;
  friend bool operator==(const MountStatus&, const MountStatus&) = default;
};

// Something that a person should know of and that does not go away by itself.
struct Problem {
  std::string id;       // stable as long as the problem lasts
  std::string kind;     // a word for programs: Error's name_of(), or "refused_name"
  std::string path;     // relative to the mount; empty: the mount as a whole
  std::string message;  // one line for people, with what to do where that is known
  std::uint64_t since_us = 0;
  friend bool operator==(const Problem&, const Problem&) = default;
};

struct Statistic {
  std::string name;  // snake_case, such as "requests"; never renamed
  std::uint64_t value = 0;
  friend bool operator==(const Statistic&, const Statistic&) = default;
};

}  // namespace nithronfs::dbus

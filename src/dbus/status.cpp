// The words for a mount's states.
#include "nithronfs/dbus/status.hpp"

#include <array>

namespace nithronfs::dbus {

std::string_view name_of(MountState state) {
  switch (state) {
    case MountState::idle:
      return "idle";
    case MountState::scanning:
      return "scanning";
    case MountState::syncing:
      return "syncing";
    case MountState::uploading:
      return "uploading";
    case MountState::downloading:
      return "downloading";
    case MountState::paused:
      return "paused";
    case MountState::offline:
      return "offline";
    case MountState::error:
      return "error";
  }
  return "error";
}

Result<MountState> parse_mount_state(std::string_view name) {
  constexpr std::array kStates{MountState::idle,      MountState::scanning,    MountState::syncing,
                               MountState::uploading, MountState::downloading, MountState::paused,
                               MountState::offline,   MountState::error};
  for (const MountState state : kStates) {
    if (name_of(state) == name) return state;
  }
  return fail(Errc::protocol,
              "the mount is in a state that this version does not know: " + std::string(name));
}

}  // namespace nithronfs::dbus

// Asks running mounts about themselves, over their sockets.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nithronfs/dbus/status.hpp"
#include "nithronfs/util/clock.hpp"
#include "nithronfs/util/result.hpp"

namespace nithronfs::dbus {

// One connection to one mount. Not thread-safe. Every call waits for at most the time-out given at
// connecting. Errors of the calls: timed_out, offline (the daemon has ended), permission, protocol (an answer
// of another shape than ours).
class MountClient {
 public:
  virtual ~MountClient() = default;
  MountClient(const MountClient&) = delete;
  MountClient& operator=(const MountClient&) = delete;

  [[nodiscard]] virtual const std::string& id() const = 0;
  [[nodiscard]] virtual Result<MountStatus> status() = 0;
  [[nodiscard]] virtual Result<std::vector<Problem>> problems() = 0;
  [[nodiscard]] virtual Result<std::vector<Statistic>> statistics() = 0;

 protected:
  MountClient() = default;
};

// Errors: offline (nobody listens there, or turns us away), busy, timed_out, permission.
[[nodiscard]] Result<std::unique_ptr<MountClient>> connect_mount(const std::string& socket_path,
                                                                 Nanos timeout);

// Paths of the sockets in `runtime_dir`, sorted; whether somebody listens shows in connecting. A directory
// that does not exist holds none. Errors: permission when the directory belongs to somebody else.
[[nodiscard]] Result<std::vector<std::string>> find_sockets(const std::string& runtime_dir);

}  // namespace nithronfs::dbus

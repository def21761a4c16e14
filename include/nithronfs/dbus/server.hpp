// Makes a running mount visible: on a socket of its own always, on a message bus where one can be reached.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nithronfs/dbus/status.hpp"
#include "nithronfs/util/result.hpp"

namespace nithronfs::dbus {

// Implemented by the daemon. Called on the server's thread, any number of times; must not block, and must be
// safe against whatever the mount's own threads do meanwhile.
class MountStatusProvider {
 public:
  virtual ~MountStatusProvider() = default;
  [[nodiscard]] virtual MountStatus status() const = 0;
  [[nodiscard]] virtual std::vector<Problem> problems() const = 0;
  [[nodiscard]] virtual std::vector<Statistic> statistics() const = 0;
};

enum class Bus : std::uint8_t { none, session, system, address };

struct ServerOptions {
  std::string id;           // config::MountConfig::id
  std::string socket_path;  // its directory exists and is private (config::make_private_directory)
  Bus bus = Bus::none;
  std::string bus_address;  // for Bus::address
};

// Serves until destroyed, on a thread of its own. Only the mount's owner and root are answered.
class Server {
 public:
  virtual ~Server() = default;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Compares the status with the one last announced and sends PropertiesChanged for what is different.
  // Thread-safe, does not block; calls that come faster than they are worked off are merged.
  virtual void status_changed() = 0;

  // Whether the mount's name is owned on a message bus. False also while the bus has not answered yet.
  [[nodiscard]] virtual bool on_bus() const = 0;

 protected:
  Server() = default;
};

// A socket file that nobody answers on is replaced. That no bus can be reached is no error. `provider`
// outlives the server. Errors: busy (another process serves this id), name_too_long, else what the system
// says.
[[nodiscard]] Result<std::unique_ptr<Server>> start_server(const ServerOptions& options,
                                                           const MountStatusProvider& provider);

}  // namespace nithronfs::dbus

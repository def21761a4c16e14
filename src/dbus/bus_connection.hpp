// The mount on a message bus: owns its name there and answers its owner and root.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "handles.hpp"
#include "mount_object.hpp"
#include "nithronfs/dbus/server.hpp"

namespace nithronfs::dbus {

class BusConnection {
 public:
  // Null where there is no such bus. Does not wait for the bus: the name is asked for in the background.
  // `event` and `object` outlive the connection.
  [[nodiscard]] static std::unique_ptr<BusConnection> open(const ServerOptions& options, sd_event& event,
                                                           MountObject& object);
  BusConnection(const BusConnection&) = delete;
  BusConnection& operator=(const BusConnection&) = delete;
  ~BusConnection() = default;

  // Thread-safe.
  [[nodiscard]] bool owns_name() const { return owns_name_; }
  void announce(const std::vector<const char*>& names);

 private:
  BusConnection(BusHandle bus, const MountObject& object) : bus_(std::move(bus)), object_(object) {}
  [[nodiscard]] Result<void> set_up(const std::string& name, sd_event& event, MountObject& object);
  static int on_message(sd_bus_message* message, void* userdata, sd_bus_error* error);
  static int on_name_answer(sd_bus_message* answer, void* userdata, sd_bus_error* error);
  static int on_disconnected(sd_bus_message* message, void* userdata, sd_bus_error* error);

  BusHandle bus_;
  const MountObject& object_;
  std::vector<SlotHandle> slots_;
  std::atomic<bool> owns_name_ = false;
};

}  // namespace nithronfs::dbus

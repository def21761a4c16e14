// The object of one mount: its properties and methods, on any number of connections.
#pragma once

#include <string>
#include <vector>

#include "handles.hpp"
#include "nithronfs/dbus/server.hpp"

namespace nithronfs::dbus {

class MountObject {
 public:
  // `provider` outlives the object.
  MountObject(const std::string& id, const MountStatusProvider& provider);

  // Exports the object and the ObjectManager above it; they stay until the slots go, and *this must not move
  // or go before them.
  [[nodiscard]] Result<std::vector<SlotHandle>> export_on(sd_bus& bus);

  // Looks at the status again; names of the properties that are different from the last time.
  [[nodiscard]] std::vector<const char*> take_changes();
  // `names` as take_changes() gave them. Errors: what the library says; the connection is of no more use
  // then.
  [[nodiscard]] Result<void> announce(sd_bus& bus, const std::vector<const char*>& names) const;

 private:
  const std::string path_;
  const MountStatusProvider& provider_;
  MountStatus announced_;
};

}  // namespace nithronfs::dbus

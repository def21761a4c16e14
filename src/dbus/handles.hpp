// Owners for the handles of sd-bus and sd-event, and their negative errno as an Error.
#pragma once

#include <fmt/format.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <memory>
#include <string_view>

#include "nithronfs/util/result.hpp"

namespace nithronfs::dbus {

template <auto Release>
struct Releaser {
  template <class Handle>
  void operator()(Handle* handle) const noexcept {
    Release(handle);
  }
};

// Drops what is queued: nobody here waits for a peer that does not read.
using BusHandle = std::unique_ptr<sd_bus, Releaser<sd_bus_close_unref>>;
using SlotHandle = std::unique_ptr<sd_bus_slot, Releaser<sd_bus_slot_unref>>;
using MessageHandle = std::unique_ptr<sd_bus_message, Releaser<sd_bus_message_unref>>;
using CredentialsHandle = std::unique_ptr<sd_bus_creds, Releaser<sd_bus_creds_unref>>;
using EventHandle = std::unique_ptr<sd_event, Releaser<sd_event_unref>>;
// A disabled source never fires again, even if a dispatch is under way.
using SourceHandle = std::unique_ptr<sd_event_source, Releaser<sd_event_source_disable_unref>>;

class BusError {
 public:
  BusError() = default;
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  ~BusError() { sd_bus_error_free(&error_); }
  [[nodiscard]] sd_bus_error* get() { return &error_; }
  [[nodiscard]] std::string_view name() const { return error_.name == nullptr ? "" : error_.name; }
  [[nodiscard]] std::string_view message() const { return error_.message == nullptr ? "" : error_.message; }

 private:
  sd_bus_error error_ = SD_BUS_ERROR_NULL;
};

// For a call of the library that answered `negative_errno`.
[[nodiscard]] inline std::unexpected<Error> library_error(std::string_view what, int negative_errno) {
  return fail(system_error(what, -negative_errno));
}

}  // namespace nithronfs::dbus

// Opening a bus, asking for the name, and judging callers by the user id that the bus vouches for.
#include "bus_connection.hpp"

#include <unistd.h>

#include "names.hpp"

namespace nithronfs::dbus {

namespace {

BusHandle open_bus(const ServerOptions& options) {
  sd_bus* bus = nullptr;
  switch (options.bus) {
    case Bus::none:
      break;
    case Bus::session:
      return BusHandle(sd_bus_open_user(&bus) < 0 ? nullptr : bus);
    case Bus::system:
      return BusHandle(sd_bus_open_system(&bus) < 0 ? nullptr : bus);
    case Bus::address: {
      if (sd_bus_new(&bus) < 0) return nullptr;
      BusHandle handle(bus);
      const bool open = sd_bus_set_address(bus, options.bus_address.c_str()) >= 0 &&
                        sd_bus_set_bus_client(bus, 1) >= 0 && sd_bus_start(bus) >= 0;
      return open ? std::move(handle) : nullptr;
    }
  }
  return nullptr;
}

// The bus daemon vouches for who a sender is; asking it costs a round trip, and calls here are rare.
bool may_call(sd_bus_message* message) {
  sd_bus_creds* raw = nullptr;
  if (sd_bus_query_sender_creds(message, SD_BUS_CREDS_EUID, &raw) < 0) return false;
  const CredentialsHandle credentials(raw);
  uid_t uid = 0;
  if (sd_bus_creds_get_euid(credentials.get(), &uid) < 0) return false;
  return uid == 0 || uid == geteuid();
}

}  // namespace

std::unique_ptr<BusConnection> BusConnection::open(const ServerOptions& options, sd_event& event,
                                                   MountObject& object) {
  BusHandle bus = open_bus(options);
  if (bus == nullptr) return nullptr;
  std::unique_ptr<BusConnection> connection(new BusConnection(std::move(bus), object));
  if (!connection->set_up(bus_name(options.id), event, object)) return nullptr;
  return connection;
}

Result<void> BusConnection::set_up(const std::string& name, sd_event& event, MountObject& object) {
  sd_bus* const bus = bus_.get();
  sd_bus_slot* slot = nullptr;
  if (const int done = sd_bus_add_filter(bus, &slot, on_message, this); done < 0)
    return library_error("bus", done);
  slots_.emplace_back(slot);
  if (const int done = sd_bus_match_signal_async(bus, &slot, "org.freedesktop.DBus.Local",
                                                 "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                                 "Disconnected", on_disconnected, nullptr, this);
      done < 0) {
    return library_error("bus", done);
  }
  slots_.emplace_back(slot);
  auto exported = object.export_on(*bus);
  if (!exported) return fail(std::move(exported.error()));
  for (SlotHandle& handle : *exported) slots_.push_back(std::move(handle));
  if (const int done = sd_bus_request_name_async(bus, &slot, name.c_str(), 0, on_name_answer, this);
      done < 0) {
    return library_error("bus", done);
  }
  slots_.emplace_back(slot);
  if (const int done = sd_bus_attach_event(bus, &event, SD_EVENT_PRIORITY_NORMAL); done < 0)
    return library_error("bus", done);
  return {};
}

void BusConnection::announce(const std::vector<const char*>& names) {
  // A failure means that the bus has gone; the mount lives on without it.
  if (owns_name_ && !object_.announce(*bus_, names)) owns_name_ = false;
}

int BusConnection::on_message(sd_bus_message* message, void*, sd_bus_error*) {
  std::uint8_t type = 0;
  if (sd_bus_message_get_type(message, &type) < 0 || type != SD_BUS_MESSAGE_METHOD_CALL) return 0;
  if (may_call(message)) return 0;
  sd_bus_reply_method_errorf(message, kAccessDenied, "only the owner of the mount and root may ask it");
  return 1;
}

int BusConnection::on_name_answer(sd_bus_message* answer, void* userdata, sd_bus_error*) {
  std::uint32_t outcome = 0;
  const bool owner = sd_bus_message_is_method_error(answer, nullptr) <= 0 &&
                     sd_bus_message_read_basic(answer, 'u', &outcome) > 0 && outcome == 1;  // PRIMARY_OWNER
  static_cast<BusConnection*>(userdata)->owns_name_ = owner;
  return 1;
}

int BusConnection::on_disconnected(sd_bus_message*, void* userdata, sd_bus_error*) {
  static_cast<BusConnection*>(userdata)->owns_name_ = false;
  return 0;
}

}  // namespace nithronfs::dbus

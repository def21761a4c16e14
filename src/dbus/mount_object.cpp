// The table below is what introspection shows; com.nithron.NithronFS1(5) is held against it by a test.
#include "mount_object.hpp"

#include <array>
#include <type_traits>

#include "names.hpp"

namespace nithronfs::dbus {

namespace {

const MountStatusProvider& provider_of(void* userdata) {
  return *static_cast<const MountStatusProvider*>(userdata);
}

int append_value(sd_bus_message* message, const std::string& value) {
  return sd_bus_message_append_basic(message, 's', value.c_str());
}
int append_value(sd_bus_message* message, MountState value) {
  return append_value(message, std::string(name_of(value)));
}
int append_value(sd_bus_message* message, bool value) {
  const int wide = value ? 1 : 0;  // what the library wants for 'b'
  return sd_bus_message_append_basic(message, 'b', &wide);
}
int append_value(sd_bus_message* message, std::uint32_t value) {
  return sd_bus_message_append_basic(message, 'u', &value);
}
int append_value(sd_bus_message* message, std::uint64_t value) {
  return sd_bus_message_append_basic(message, 't', &value);
}

template <auto Field>
int get_field(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* userdata,
              sd_bus_error*) {
  return append_value(reply, provider_of(userdata).status().*Field);
}

int get_version(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void*, sd_bus_error*) {
  return append_value(reply, std::string(NITHRONFS_VERSION));
}

// Appends to a reply and remembers the first failure, so that a sequence of steps reads as one.
class Writer {
 public:
  explicit Writer(sd_bus_message* message) : message_(message) {}
  void open(char type, const char* contents) {
    step(sd_bus_message_open_container(message_, type, contents));
  }
  void close() { step(sd_bus_message_close_container(message_)); }
  template <class Value>
  void value(const Value& v) {
    step(append_value(message_, v));
  }
  template <class Value>
  void entry(const char* key, const char* signature, const Value& v) {
    open('e', "sv");
    value(std::string(key));
    open('v', signature);
    value(v);
    close();
    close();
  }
  [[nodiscard]] int result() const { return result_; }

 private:
  void step(int result) {
    if (result_ >= 0) result_ = result;
  }
  sd_bus_message* message_;
  int result_ = 0;
};

// Answers `call` with what `write` puts into the reply.
template <class Write>
int reply_with(sd_bus_message* call, Write write) {
  sd_bus_message* raw = nullptr;
  if (const int made = sd_bus_message_new_method_return(call, &raw); made < 0) return made;
  const MessageHandle reply(raw);
  Writer writer(reply.get());
  write(writer);
  if (writer.result() < 0) return writer.result();
  return sd_bus_send(nullptr, reply.get(), nullptr);
}

int list_problems(sd_bus_message* call, void* userdata, sd_bus_error*) {
  return reply_with(call, [&](Writer& reply) {
    reply.open('a', "a{sv}");
    for (const Problem& problem : provider_of(userdata).problems()) {
      reply.open('a', "{sv}");
      reply.entry("id", "s", problem.id);
      reply.entry("kind", "s", problem.kind);
      reply.entry("path", "s", problem.path);
      reply.entry("message", "s", problem.message);
      reply.entry("since", "t", problem.since_us);
      reply.close();
    }
    reply.close();
  });
}

int get_statistics(sd_bus_message* call, void* userdata, sd_bus_error*) {
  return reply_with(call, [&](Writer& reply) {
    reply.open('a', "{st}");
    for (const Statistic& statistic : provider_of(userdata).statistics()) {
      reply.open('e', "st");
      reply.value(statistic.name);
      reply.value(statistic.value);
      reply.close();
    }
    reply.close();
  });
}

constexpr std::uint64_t kConst = SD_BUS_VTABLE_PROPERTY_CONST;
constexpr std::uint64_t kChanges = SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE;
// The library would else ask for privileges that only root has; who may call is checked per connection.
constexpr std::uint64_t kAnyCaller = SD_BUS_VTABLE_UNPRIVILEGED;

const std::array kMountTable{
    sd_bus_vtable SD_BUS_VTABLE_START(0),
    sd_bus_vtable SD_BUS_PROPERTY("Version", "s", get_version, 0, kConst),
    sd_bus_vtable SD_BUS_PROPERTY("MountPoint", "s", get_field<&MountStatus::mount_point>, 0, kConst),
    sd_bus_vtable SD_BUS_PROPERTY("Server", "s", get_field<&MountStatus::server>, 0, kConst),
    sd_bus_vtable SD_BUS_PROPERTY("State", "s", get_field<&MountStatus::state>, 0, kChanges),
    sd_bus_vtable SD_BUS_PROPERTY("Online", "b", get_field<&MountStatus::online>, 0, kChanges),
    sd_bus_vtable SD_BUS_PROPERTY("FeedHealthy", "b", get_field<&MountStatus::feed_healthy>, 0, kChanges),
    sd_bus_vtable SD_BUS_PROPERTY("LastSync", "t", get_field<&MountStatus::last_sync_us>, 0, kChanges),
    sd_bus_vtable SD_BUS_PROPERTY("PendingUploads", "u", get_field<&MountStatus::pending_uploads>, 0,
                                  kChanges),
    sd_bus_vtable SD_BUS_PROPERTY("PendingBytes", "t", get_field<&MountStatus::pending_bytes>, 0, kChanges),
    sd_bus_vtable SD_BUS_PROPERTY("CachedBytes", "t", get_field<&MountStatus::cached_bytes>, 0, kChanges),
    sd_bus_vtable SD_BUS_PROPERTY("CacheLimit", "t", get_field<&MountStatus::cache_limit>, 0, kChanges),
    sd_bus_vtable SD_BUS_PROPERTY("Problems", "u", get_field<&MountStatus::problems>, 0, kChanges),
    sd_bus_vtable SD_BUS_METHOD_WITH_ARGS("ListProblems", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", problems),
                                          list_problems, kAnyCaller),
    sd_bus_vtable SD_BUS_METHOD_WITH_ARGS("GetStatistics", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{st}", statistics),
                                          get_statistics, kAnyCaller),
    sd_bus_vtable SD_BUS_VTABLE_END,
};

}  // namespace

MountObject::MountObject(const std::string& id, const MountStatusProvider& provider)
    : path_(object_path(id)), provider_(provider), announced_(provider.status()) {}

Result<std::vector<SlotHandle>> MountObject::export_on(sd_bus& bus) {
  std::vector<SlotHandle> slots;
  sd_bus_slot* slot = nullptr;
  if (const int done = sd_bus_add_object_manager(&bus, &slot, kRootPath); done < 0) {
    return library_error("cannot export the object manager", done);
  }
  slots.emplace_back(slot);
  // The library hands the pointer back to the functions above, which only read.
  auto* const userdata = const_cast<MountStatusProvider*>(&provider_);
  if (const int done =
          sd_bus_add_object_vtable(&bus, &slot, path_.c_str(), kMountInterface, kMountTable.data(), userdata);
      done < 0) {
    return library_error("cannot export the mount", done);
  }
  slots.emplace_back(slot);
  return slots;
}

std::vector<const char*> MountObject::take_changes() {
  MountStatus now = provider_.status();
  std::vector<const char*> names;
  const auto compare = [&](auto field, const char* name) {
    if (now.*field != announced_.*field) names.push_back(name);
  };
  compare(&MountStatus::state, "State");
  compare(&MountStatus::online, "Online");
  compare(&MountStatus::feed_healthy, "FeedHealthy");
  compare(&MountStatus::last_sync_us, "LastSync");
  compare(&MountStatus::pending_uploads, "PendingUploads");
  compare(&MountStatus::pending_bytes, "PendingBytes");
  compare(&MountStatus::cached_bytes, "CachedBytes");
  compare(&MountStatus::cache_limit, "CacheLimit");
  compare(&MountStatus::problems, "Problems");
  announced_ = std::move(now);
  return names;
}

Result<void> MountObject::announce(sd_bus& bus, const std::vector<const char*>& names) const {
  std::vector<char*> list;  // the library's signature has no const, it only reads
  for (const char* name : names) list.push_back(const_cast<char*>(name));
  list.push_back(nullptr);
  const int done = sd_bus_emit_properties_changed_strv(&bus, path_.c_str(), kMountInterface, list.data());
  if (done < 0) return library_error("cannot announce changes", done);
  return {};
}

}  // namespace nithronfs::dbus

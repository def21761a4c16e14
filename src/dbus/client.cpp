// Calls with a deadline, and readers for the types that the mount's object answers with.
#include "nithronfs/dbus/client.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "handles.hpp"
#include "listener.hpp"
#include "names.hpp"

namespace nithronfs::dbus {

namespace {

// An answer from a daemon that does not keep to the bounds of ours.
constexpr std::size_t kMaxRows = 100'000;

std::string id_of(const std::string& socket_path) {
  return std::filesystem::path(socket_path).stem().string();
}

std::unexpected<Error> call_error(int result, const BusError& error) {
  if (error.name() == kAccessDenied) return fail(Errc::permission, std::string(error.message()));
  switch (-result) {
    case ETIMEDOUT:
      return fail(Errc::timed_out, "the mount's daemon does not answer");
    case ECONNRESET:
    case ENOTCONN:
    case EPIPE:
      return fail(Errc::offline, "the mount's daemon has ended");
    default:
      break;
  }
  return fail(Errc::protocol, fmt::format("the mount's daemon refused: {}", error.message()));
}

std::unexpected<Error> wrong_shape(std::string_view what) {
  return fail(Errc::protocol,
              fmt::format("the mount's daemon is of another version: {} has another type", what));
}

// Reads a value of one basic type; the overload chosen is the type expected.
bool read_value(sd_bus_message* message, std::string& value) {
  const char* text = nullptr;
  if (sd_bus_message_read_basic(message, 's', &text) <= 0) return false;
  value = text;
  return true;
}
bool read_value(sd_bus_message* message, std::uint32_t& value) {
  return sd_bus_message_read_basic(message, 'u', &value) > 0;
}
bool read_value(sd_bus_message* message, std::uint64_t& value) {
  return sd_bus_message_read_basic(message, 't', &value) > 0;
}
bool read_value(sd_bus_message* message, bool& value) {
  int wide = 0;
  if (sd_bus_message_read_basic(message, 'b', &wide) <= 0) return false;
  value = wide != 0;
  return true;
}
bool read_value(sd_bus_message* message, MountState& value) {
  std::string name;
  if (!read_value(message, name)) return false;
  const auto state = parse_mount_state(name);
  if (state) value = *state;
  return state.has_value();
}

template <class Value>
constexpr const char* signature_of(const Value&) {
  if constexpr (std::is_same_v<Value, bool>) return "b";
  if constexpr (std::is_same_v<Value, std::uint32_t>) return "u";
  if constexpr (std::is_same_v<Value, std::uint64_t>) return "t";
  return "s";
}

template <class Value>
bool read_variant(sd_bus_message* message, Value& value) {
  return sd_bus_message_enter_container(message, 'v', signature_of(value)) > 0 &&
         read_value(message, value) && sd_bus_message_exit_container(message) >= 0;
}

// One property, whose name has been read, into its place. Unknown ones are of a newer version: skipped.
bool read_property(sd_bus_message* message, std::string_view name, MountStatus& status) {
  if (name == "MountPoint") return read_variant(message, status.mount_point);
  if (name == "Server") return read_variant(message, status.server);
  if (name == "State") return read_variant(message, status.state);
  if (name == "Online") return read_variant(message, status.online);
  if (name == "FeedHealthy") return read_variant(message, status.feed_healthy);
  if (name == "LastSync") return read_variant(message, status.last_sync_us);
  if (name == "PendingUploads") return read_variant(message, status.pending_uploads);
  if (name == "PendingBytes") return read_variant(message, status.pending_bytes);
  if (name == "CachedBytes") return read_variant(message, status.cached_bytes);
  if (name == "CacheLimit") return read_variant(message, status.cache_limit);
  if (name == "Problems") return read_variant(message, status.problems);
  return sd_bus_message_skip(message, "v") >= 0;
}

bool read_problem_field(sd_bus_message* message, std::string_view name, Problem& problem) {
  if (name == "id") return read_variant(message, problem.id);
  if (name == "kind") return read_variant(message, problem.kind);
  if (name == "path") return read_variant(message, problem.path);
  if (name == "message") return read_variant(message, problem.message);
  if (name == "since") return read_variant(message, problem.since_us);
  return sd_bus_message_skip(message, "v") >= 0;
}

// Walks an array whose elements are containers of `type` with `contents`; `read` takes one element's inside.
template <class Read>
bool read_array(sd_bus_message* message, char type, const char* contents, Read read) {
  const std::string element = type == 'e' ? fmt::format("{{{}}}", contents) : fmt::format("a{}", contents);
  if (sd_bus_message_enter_container(message, 'a', element.c_str()) <= 0) return false;
  for (std::size_t row = 0; row < kMaxRows; ++row) {
    const int entered = sd_bus_message_enter_container(message, type, contents);
    if (entered == 0) return sd_bus_message_exit_container(message) >= 0;
    if (entered < 0 || !read() || sd_bus_message_exit_container(message) < 0) return false;
  }
  return false;
}

class MountClientImpl final : public MountClient {
 public:
  MountClientImpl(std::string id, BusHandle bus, Nanos timeout)
      : id_(std::move(id)), path_(object_path(id_)), bus_(std::move(bus)), timeout_(timeout) {}

  const std::string& id() const override { return id_; }

  Result<MountStatus> status() override {
    auto reply = call("org.freedesktop.DBus.Properties", "GetAll", kMountInterface);
    if (!reply) return fail(std::move(reply.error()));
    MountStatus status;
    const bool read = read_array(reply->get(), 'e', "sv", [&] {
      std::string name;
      return read_value(reply->get(), name) && read_property(reply->get(), name, status);
    });
    if (!read) return wrong_shape("a property");
    return status;
  }

  Result<std::vector<Problem>> problems() override {
    auto reply = call(kMountInterface, "ListProblems", nullptr);
    if (!reply) return fail(std::move(reply.error()));
    std::vector<Problem> problems;
    const bool read =
        read_array(reply->get(), 'a', "{sv}", [&] { return read_problem(reply->get(), problems); });
    if (!read) return wrong_shape("ListProblems()");
    return problems;
  }

  Result<std::vector<Statistic>> statistics() override {
    auto reply = call(kMountInterface, "GetStatistics", nullptr);
    if (!reply) return fail(std::move(reply.error()));
    std::vector<Statistic> statistics;
    const bool read = read_array(reply->get(), 'e', "st", [&] {
      Statistic& row = statistics.emplace_back();
      return read_value(reply->get(), row.name) && read_value(reply->get(), row.value);
    });
    if (!read) return wrong_shape("GetStatistics()");
    return statistics;
  }

 private:
  // Inside one a{sv}: the array itself has been entered by the caller.
  static bool read_problem(sd_bus_message* message, std::vector<Problem>& problems) {
    Problem& problem = problems.emplace_back();
    while (true) {
      const int entered = sd_bus_message_enter_container(message, 'e', "sv");
      if (entered == 0) return true;
      std::string name;
      if (entered < 0 || !read_value(message, name) || !read_problem_field(message, name, problem))
        return false;
      if (sd_bus_message_exit_container(message) < 0) return false;
    }
  }

  // `argument` may be null: none.
  Result<MessageHandle> call(const char* interface, const char* method, const char* argument) {
    sd_bus_message* raw = nullptr;
    if (const int made =
            sd_bus_message_new_method_call(bus_.get(), &raw, nullptr, path_.c_str(), interface, method);
        made < 0) {
      return call_error(made, BusError());
    }
    const MessageHandle request(raw);
    if (argument != nullptr) {
      if (const int done = sd_bus_message_append_basic(raw, 's', argument); done < 0)
        return call_error(done, BusError());
    }
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(timeout_).count();
    BusError error;
    sd_bus_message* reply = nullptr;
    const int done =
        sd_bus_call(bus_.get(), request.get(), static_cast<std::uint64_t>(microseconds), error.get(), &reply);
    if (done < 0) return call_error(done, error);
    return MessageHandle(reply);
  }

  const std::string id_;
  const std::string path_;
  const BusHandle bus_;
  const Nanos timeout_;
};

// The library's own calls would wait up to a minute and a half for the handshake, whatever their time-out.
Result<void> finish_handshake(sd_bus* bus, std::chrono::steady_clock::time_point deadline) {
  while (true) {
    const int ready = sd_bus_is_ready(bus);
    if (ready > 0) return {};
    const int processed = ready < 0 ? ready : sd_bus_process(bus, nullptr);
    if (processed < 0) return call_error(processed, BusError());
    if (processed > 0) continue;
    const auto left =
        std::chrono::duration_cast<std::chrono::microseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return call_error(-ETIMEDOUT, BusError());
    if (const int waited = sd_bus_wait(bus, static_cast<std::uint64_t>(left.count()));
        waited < 0 && waited != -EINTR) {
      return call_error(waited, BusError());
    }
  }
}

}  // namespace

Result<std::unique_ptr<MountClient>> connect_mount(const std::string& socket_path, Nanos timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  auto fd = connect_to(socket_path, timeout);
  if (!fd) return fail(std::move(fd.error()));
  sd_bus* raw = nullptr;
  if (const int made = sd_bus_new(&raw); made < 0) return library_error("cannot make a connection", made);
  BusHandle bus(raw);
  if (const int done = sd_bus_set_fd(raw, fd->get(), fd->get()); done < 0)
    return library_error("cannot connect", done);
  [[maybe_unused]] const int owned_by_bus = fd->release();
  if (const int done = sd_bus_start(raw); done < 0) return call_error(done, BusError());
  if (auto done = finish_handshake(raw, deadline); !done) return fail(std::move(done.error()));
  return std::make_unique<MountClientImpl>(id_of(socket_path), std::move(bus), timeout);
}

Result<std::vector<std::string>> find_sockets(const std::string& runtime_dir) {
  struct stat status{};
  if (lstat(runtime_dir.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::vector<std::string>{};
    return fail(system_error(runtime_dir, errno));
  }
  if (status.st_uid != geteuid() && geteuid() != 0) {
    return fail(Errc::permission, fmt::format("{} belongs to another user", runtime_dir));
  }
  std::vector<std::string> sockets;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(runtime_dir, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == kSocketSuffix) sockets.push_back(entry->path().string());
  }
  if (error) return fail(system_error(runtime_dir, error.value()));
  std::ranges::sort(sockets);
  return sockets;
}

}  // namespace nithronfs::dbus

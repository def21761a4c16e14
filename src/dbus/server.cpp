// One thread turns one sd-event loop; nothing of sd-bus is touched by any other while it runs.
#include "nithronfs/dbus/server.hpp"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <list>
#include <thread>

#include "bus_connection.hpp"
#include "listener.hpp"
#include "mount_object.hpp"

namespace nithronfs::dbus {

namespace {

// Above these a peer does not read, or somebody opens connections in a loop.
constexpr std::size_t kMaxPeers = 64;
constexpr std::uint64_t kMaxUnread = 64;
constexpr std::uint64_t kAcceptWindowUs = 1'000'000;
constexpr unsigned kAcceptsPerWindow = 200;

class ServerImpl final : public Server {
 public:
  ServerImpl(Listener listener, UniqueFd wakeup, EventHandle event, const ServerOptions& options,
             const MountStatusProvider& provider)
      : listener_(std::move(listener)),
        wakeup_(std::move(wakeup)),
        event_(std::move(event)),
        object_(options.id, provider) {}

  ~ServerImpl() override {
    stopping_ = true;
    wake();
    if (thread_.joinable()) thread_.join();
  }

  Result<void> start(const ServerOptions& options) {
    sd_event_source* source = nullptr;
    if (const int done =
            sd_event_add_io(event_.get(), &source, listener_.fd(), EPOLLIN, on_peer_waiting, this);
        done < 0) {
      return library_error("cannot watch the socket", done);
    }
    accept_source_.reset(source);
    // Out of descriptors, accept fails at once and again; this keeps that from eating a core.
    sd_event_source_set_ratelimit(source, kAcceptWindowUs, kAcceptsPerWindow);
    if (const int done = sd_event_add_io(event_.get(), &source, wakeup_.get(), EPOLLIN, on_wakeup, this);
        done < 0) {
      return library_error("cannot watch for changes", done);
    }
    wakeup_source_.reset(source);
    bus_ = BusConnection::open(options, *event_, object_);  // no bus, no harm
    start_thread();
    return {};
  }

  void status_changed() override { wake(); }
  bool on_bus() const override { return bus_ != nullptr && bus_->owns_name(); }

 private:
  struct Peer {
    BusHandle bus;
    std::vector<SlotHandle> slots;  // go first
  };

  // Signals are for the thread that the daemon chose.
  void start_thread() {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(thread_.native_handle(), "dbus");
  }

  void run() {
    while (!stopping_) {
      const int turned = sd_event_run(event_.get(), UINT64_MAX);
      if (turned < 0 && turned != -EINTR) break;
      peers_.remove_if([](const Peer& peer) { return sd_bus_is_open(peer.bus.get()) <= 0; });
    }
  }

  void wake() const {
    const std::uint64_t one = 1;
    // Fails only where the counter is full, and then the thread will wake up anyway.
    [[maybe_unused]] const ssize_t written = write(wakeup_.get(), &one, sizeof(one));
  }

  static int on_wakeup(sd_event_source*, int fd, std::uint32_t, void* userdata) {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(fd, &count, sizeof(count));
    static_cast<ServerImpl*>(userdata)->announce_changes();
    return 0;
  }

  static int on_peer_waiting(sd_event_source*, int, std::uint32_t, void* userdata) {
    static_cast<ServerImpl*>(userdata)->accept_one();
    return 0;
  }

  void announce_changes() {
    if (stopping_) return;
    const auto names = object_.take_changes();
    if (names.empty()) return;
    for (Peer& peer : peers_) {
      std::uint64_t unread = 0;
      const bool reads = sd_bus_get_n_queued_write(peer.bus.get(), &unread) >= 0 && unread < kMaxUnread;
      if (!reads || !object_.announce(*peer.bus, names)) sd_bus_close(peer.bus.get());
    }
    if (bus_ != nullptr) bus_->announce(names);
  }

  void accept_one() {
    UniqueFd fd = listener_.accept_peer();
    if (!fd || peers_.size() >= kMaxPeers) return;
    if (auto peer = make_peer(std::move(fd))) peers_.push_back(std::move(*peer));
  }

  Result<Peer> make_peer(UniqueFd fd) {
    sd_bus* raw = nullptr;
    if (const int made = sd_bus_new(&raw); made < 0) return library_error("cannot make a connection", made);
    BusHandle bus(raw);
    sd_id128_t id{};
    sd_id128_randomize(&id);
    if (const int done = sd_bus_set_server(bus.get(), 1, id); done < 0)
      return library_error("cannot serve", done);
    if (const int done = sd_bus_set_fd(bus.get(), fd.get(), fd.get()); done < 0)
      return library_error("cannot serve", done);
    [[maybe_unused]] const int owned_by_bus = fd.release();
    auto slots = object_.export_on(*bus);
    if (!slots) return fail(std::move(slots.error()));
    if (const int done = sd_bus_start(bus.get()); done < 0) return library_error("cannot serve", done);
    if (const int done = sd_bus_attach_event(bus.get(), event_.get(), SD_EVENT_PRIORITY_NORMAL); done < 0) {
      return library_error("cannot serve", done);
    }
    return Peer{.bus = std::move(bus), .slots = std::move(*slots)};
  }

  // Constant after start().
  const Listener listener_;
  const UniqueFd wakeup_;
  // Self-synchronised.
  std::atomic<bool> stopping_ = false;
  // Of the thread once it runs. The order is that of construction: what refers to the loop goes before it.
  const EventHandle event_;
  MountObject object_;
  SourceHandle accept_source_;
  SourceHandle wakeup_source_;
  std::unique_ptr<BusConnection> bus_;
  std::list<Peer> peers_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Server>> start_server(const ServerOptions& options,
                                             const MountStatusProvider& provider) {
  auto listener = Listener::listen_at(options.socket_path);
  if (!listener) return fail(std::move(listener.error()));
  UniqueFd wakeup(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wakeup) return fail(system_error("cannot create an event counter", errno));
  sd_event* raw = nullptr;
  if (const int made = sd_event_new(&raw); made < 0)
    return library_error("cannot create an event loop", made);
  auto server = std::make_unique<ServerImpl>(std::move(*listener), std::move(wakeup), EventHandle(raw),
                                             options, provider);
  if (auto started = server->start(options); !started) return fail(std::move(started.error()));
  return server;
}

}  // namespace nithronfs::dbus

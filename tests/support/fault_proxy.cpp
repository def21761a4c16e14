// One thread and one poll loop; a mutex guards what the test reads and sets.
#include "fault_proxy.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>

#include "nithronfs/util/unique_fd.hpp"
#include "request_scanner.hpp"

namespace nithronfs::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t piece_size = 64 * 1024;
constexpr std::size_t queue_limit = 1024 * 1024;  // bytes that wait for one receiver

[[noreturn]] void give_up(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

UniqueFd new_socket() {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) give_up("socket");
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

UniqueFd bind_to(std::uint16_t port) {
  UniqueFd fd = new_socket();
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("bind");
  return fd;
}

std::uint16_t port_of(const UniqueFd& socket) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0)
    give_up("getsockname");
  return ntohs(address.sin_port);
}

// Closing a socket that lingers for zero seconds sends RST.
void reset(UniqueFd& socket) {
  const linger none{1, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
  socket.reset();
}

struct Piece {
  Clock::time_point due;
  std::string bytes;
};

// One direction of a connection.
struct Stream {
  std::deque<Piece> waiting;
  std::size_t queued = 0;
  bool ended = false;   // the sender is done
  bool closed = false;  // and the receiver has been told
  void push(std::string bytes, Clock::time_point due) {
    queued += bytes.size();
    waiting.push_back({due, std::move(bytes)});
  }
};

struct Connection {
  UniqueFd client;
  UniqueFd server;
  Stream up;    // client to server
  Stream down;  // server to client
  RequestScanner scanner;
  std::uint64_t received_down = 0;  // since the last set()
  Clock::time_point budget_from;    // when the rate allows the next piece
  [[nodiscard]] bool over() const { return !client || !server || (up.closed && down.closed); }
};

}  // namespace

struct FaultProxy::Impl {
  const std::uint16_t server_port;
  std::uint16_t port = 0;
  UniqueFd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};

  // Only the thread touches these.
  UniqueFd listener;
  std::list<Connection> connections;

  std::mutex mutex;
  std::condition_variable applied;
  // Guarded by mutex:
  Faults faults;
  std::uint64_t asked = 0;  // calls of set()
  std::uint64_t done = 0;   // calls of set() that the thread has carried out
  Counters counters;
  std::vector<SeenRequest> requests;
  bool stopping = false;

  std::thread thread;

  explicit Impl(std::uint16_t to) : server_port(to) {
    listener = bind_to(0);
    port = port_of(listener);
    listen_again();
    thread = std::thread([this] { loop(); });
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    poke();
    thread.join();
  }

  void poke() const {
    const std::uint64_t one = 1;
    std::ignore = ::write(wake.get(), &one, sizeof one);
  }

  void listen_again() {
    if (::listen(listener.get(), 128) != 0) give_up("listen");
  }

  void loop();
  void apply(const Faults& now);
  void accept_all(const Faults& now);
  void receive_up(Connection& connection);
  void receive_down(Connection& connection, const Faults& now);
  void send(Connection& connection, Stream& stream, UniqueFd& to, bool counts);
  void serve(Connection& connection, short client_events, short server_events, const Faults& now);
};

void FaultProxy::Impl::apply(const Faults& now) {
  if (now.refuse) {
    for (Connection& connection : connections) reset(connection.client);
    connections.clear();
    // A socket that is bound and does not listen refuses, and keeps the port from everybody else.
    listener.reset();
    listener = bind_to(port);
  } else {
    int listening = 0;
    socklen_t length = sizeof listening;
    ::getsockopt(listener.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &length);
    if (listening == 0) listen_again();
  }
  for (Connection& connection : connections) connection.received_down = 0;
}

void FaultProxy::Impl::accept_all(const Faults& now) {
  if (now.refuse) return;
  for (;;) {
    UniqueFd client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client) return;
    const int on = 1;
    ::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Connection connection;
    connection.server = new_socket();
    const sockaddr_in address = loopback(server_port);
    if (::connect(connection.server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
            0 &&
        errno != EINPROGRESS) {
      reset(client);  // the server behind is away, and so are we
      continue;
    }
    connection.client = std::move(client);
    connections.push_back(std::move(connection));
    const std::lock_guard lock(mutex);
    ++counters.connections;
  }
}

void FaultProxy::Impl::receive_up(Connection& connection) {
  std::string bytes(piece_size, '\0');
  const ssize_t count = ::recv(connection.client.get(), bytes.data(), bytes.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count < 0) {
    reset(connection.server);
    return;
  }
  if (count == 0) {
    connection.up.ended = true;
    return;
  }
  bytes.resize(static_cast<std::size_t>(count));
  std::vector<SeenRequest> seen = connection.scanner.add(bytes);
  {
    const std::lock_guard lock(mutex);
    counters.from_client += bytes.size();
    requests.insert(requests.end(), std::make_move_iterator(seen.begin()),
                    std::make_move_iterator(seen.end()));
  }
  connection.up.push(std::move(bytes), Clock::now());
}

void FaultProxy::Impl::receive_down(Connection& connection, const Faults& now) {
  std::size_t wanted = piece_size;
  if (now.rate != 0) wanted = std::clamp<std::size_t>(now.rate / 50, 1, piece_size);
  const std::uint64_t limit = now.reset_after != 0 ? now.reset_after : now.truncate_after;
  if (limit != 0) wanted = std::min<std::uint64_t>(wanted, limit - std::min(limit, connection.received_down));

  if (wanted > 0) {
    std::string bytes(wanted, '\0');
    const ssize_t count = ::recv(connection.server.get(), bytes.data(), bytes.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) {
      reset(connection.client);
      return;
    }
    if (count == 0) {
      connection.down.ended = true;
      return;
    }
    bytes.resize(static_cast<std::size_t>(count));
    connection.received_down += bytes.size();
    if (now.rate != 0) {
      const auto cost = std::chrono::nanoseconds(bytes.size() * 1'000'000'000 / now.rate);
      connection.budget_from = std::max(connection.budget_from, Clock::now()) + cost;
    }
    connection.down.push(std::move(bytes), Clock::now() + now.delay);
  }
  if (limit != 0 && connection.received_down >= limit) {
    // What was received still goes out; then the end comes.
    connection.down.ended = true;
  }
}

void FaultProxy::Impl::send(Connection& connection, Stream& stream, UniqueFd& to, bool counts) {
  while (!stream.waiting.empty() && stream.waiting.front().due <= Clock::now()) {
    std::string& bytes = stream.waiting.front().bytes;
    const ssize_t count = ::send(to.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) {
      connection.client.reset();
      connection.server.reset();
      return;
    }
    const auto sent = static_cast<std::size_t>(count);
    stream.queued -= sent;
    if (counts) {
      const std::lock_guard lock(mutex);
      counters.from_server += sent;
    }
    if (sent < bytes.size()) {
      bytes.erase(0, sent);
      return;
    }
    stream.waiting.pop_front();
  }
}

void FaultProxy::Impl::serve(Connection& connection, short client_events, short server_events,
                             const Faults& now) {
  constexpr short readable = POLLIN | POLLHUP | POLLERR;
  if ((client_events & readable) != 0) receive_up(connection);
  if (connection.over()) return;
  if (!now.stall && (server_events & readable) != 0) receive_down(connection, now);
  if (connection.over()) return;
  send(connection, connection.up, connection.server, false);
  if (connection.over()) return;
  if (!now.stall) send(connection, connection.down, connection.client, true);
  if (connection.over()) return;

  if (connection.up.ended && connection.up.waiting.empty() && !connection.up.closed) {
    ::shutdown(connection.server.get(), SHUT_WR);
    connection.up.closed = true;
  }
  if (connection.down.ended && connection.down.waiting.empty() && !connection.down.closed) {
    connection.down.closed = true;
    if (now.reset_after != 0 && connection.received_down >= now.reset_after) {
      reset(connection.client);
    } else if (now.truncate_after != 0 && connection.received_down >= now.truncate_after) {
      connection.client.reset();
    } else {
      ::shutdown(connection.client.get(), SHUT_WR);
    }
  }
}

void FaultProxy::Impl::loop() {
  for (;;) {
    Faults now;
    {
      const std::lock_guard lock(mutex);
      if (stopping) return;
      now = faults;
      if (done != asked) {
        apply(now);
        done = asked;
        applied.notify_all();
      }
      counters.open = connections.size();
    }
    std::vector<pollfd> events{{wake.get(), POLLIN, 0}, {now.refuse ? -1 : listener.get(), POLLIN, 0}};
    auto next = Clock::time_point::max();
    const auto at = Clock::now();
    const auto wants = [&](const Stream& own, const Stream& other, bool may_read, bool may_write) {
      short wanted = 0;
      if (may_read && !own.ended && own.queued < queue_limit) wanted |= POLLIN;
      if (may_write && !other.waiting.empty()) {
        if (other.waiting.front().due <= at) {
          wanted |= POLLOUT;
        } else {
          next = std::min(next, other.waiting.front().due);
        }
      }
      return wanted;
    };
    for (const Connection& connection : connections) {
      const bool in_budget = connection.budget_from <= at;
      if (!in_budget) next = std::min(next, connection.budget_from);
      const short client = wants(connection.up, connection.down, true, !now.stall);
      const short server = wants(connection.down, connection.up, !now.stall && in_budget, true);
      // A descriptor nobody wants anything of is left out: it would report a hang-up for ever.
      events.push_back({client == 0 ? -1 : connection.client.get(), client, 0});
      events.push_back({server == 0 ? -1 : connection.server.get(), server, 0});
    }
    int timeout = -1;
    if (next != Clock::time_point::max()) {
      timeout = static_cast<int>(std::chrono::ceil<milliseconds>(next - at).count());
    }
    ::poll(events.data(), events.size(), timeout);
    if (events[0].revents != 0) {
      std::uint64_t count = 0;
      std::ignore = ::read(wake.get(), &count, sizeof count);
    }
    std::size_t index = 2;
    for (Connection& connection : connections) {
      serve(connection, events[index].revents, events[index + 1].revents, now);
      index += 2;
    }
    connections.remove_if([](const Connection& connection) { return connection.over(); });
    if (events[1].revents != 0) accept_all(now);
  }
}

FaultProxy::FaultProxy(std::uint16_t server_port) : impl_(std::make_unique<Impl>(server_port)) {}
FaultProxy::~FaultProxy() = default;

std::uint16_t FaultProxy::port() const {
  return impl_->port;
}

void FaultProxy::set(const Faults& faults) {
  std::unique_lock lock(impl_->mutex);
  impl_->faults = faults;
  const std::uint64_t mine = ++impl_->asked;
  impl_->poke();
  impl_->applied.wait(lock, [&] { return impl_->done >= mine; });
}

FaultProxy::Counters FaultProxy::counters() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->counters;
}

std::vector<SeenRequest> FaultProxy::requests() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->requests;
}

std::size_t FaultProxy::count(std::string_view method, std::string_view part) const {
  const std::lock_guard lock(impl_->mutex);
  return static_cast<std::size_t>(std::ranges::count_if(impl_->requests, [&](const SeenRequest& request) {
    return (method.empty() || request.method == method) && request.target.find(part) != std::string::npos;
  }));
}

void FaultProxy::forget() {
  const std::lock_guard lock(impl_->mutex);
  impl_->requests.clear();
  impl_->counters.from_client = 0;
  impl_->counters.from_server = 0;
}

}  // namespace nithronfs::test

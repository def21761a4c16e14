// Unix sockets at a path: made, taken over from the dead, connected to.
#include "listener.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

namespace nithronfs::dbus {

namespace {

constexpr int kBacklog = 32;

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.size() >= sizeof(address.sun_path)) return std::nullopt;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

UniqueFd make_socket(int flags) {
  return UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
}

// Bounds a blocking connect(); at least a microsecond, because zero means for ever.
void limit_waiting(int fd, Nanos patience) {
  const auto microseconds =
      std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::microseconds>(patience).count());
  const timeval limit{.tv_sec = microseconds / 1'000'000, .tv_usec = microseconds % 1'000'000};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

std::unexpected<Error> too_long(const std::string& path) {
  return fail(Errc::name_too_long, fmt::format("{} is too long a name for a socket", path));
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

Result<Listener> Listener::listen_at(const std::string& path) {
  const auto answer = connect_to(path, Nanos(0));
  if (answer || answer.error().code == Errc::busy) {
    return fail(Errc::busy, fmt::format("another process serves {} already", path));
  }
  // Made under another name and moved into place, so that nobody meets a socket that does not listen yet.
  const std::string temporary = fmt::format("{}.{}", path, getpid());
  const auto address = address_of(temporary);
  if (!address) return too_long(path);
  UniqueFd fd = make_socket(SOCK_NONBLOCK);
  if (!fd) return fail(system_error("cannot create a socket", errno));
  // Linux takes the mode of the file from the socket; umask() would reach into other threads.
  if (fchmod(fd.get(), 0600) != 0) return fail(system_error("cannot protect a socket", errno));
  unlink(temporary.c_str());
  if (bind(fd.get(), generic(*address), sizeof(*address)) != 0) {
    return fail(system_error(fmt::format("cannot create {}", temporary), errno));
  }
  if (listen(fd.get(), kBacklog) != 0 || rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(temporary.c_str());
    return fail(system_error(fmt::format("cannot listen at {}", path), error));
  }
  return Listener(std::move(fd), path);
}

Listener::~Listener() {
  if (fd_) unlink(path_.c_str());
}

UniqueFd Listener::accept_peer() const {
  UniqueFd peer(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!peer) return peer;
  ucred credentials{};
  socklen_t length = sizeof(credentials);
  const bool known = getsockopt(peer.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0;
  if (!known || (credentials.uid != 0 && credentials.uid != geteuid())) peer.reset();
  return peer;
}

Result<UniqueFd> connect_to(const std::string& path, Nanos patience) {
  const auto address = address_of(path);
  if (!address) return too_long(path);
  UniqueFd fd = make_socket(patience > Nanos(0) ? 0 : SOCK_NONBLOCK);
  if (!fd) return fail(system_error("cannot create a socket", errno));
  limit_waiting(fd.get(), patience);
  if (connect(fd.get(), generic(*address), sizeof(*address)) == 0) return fd;
  switch (errno) {
    case ENOENT:
    case ECONNREFUSED:
      return fail(Errc::offline, fmt::format("no mount answers at {}", path));
    case EAGAIN:
      return fail(Errc::busy, fmt::format("the mount at {} is not accepting connections", path));
    default:
      return fail(system_error(fmt::format("cannot connect to {}", path), errno));
  }
}

}  // namespace nithronfs::dbus

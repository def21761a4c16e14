// Binds and listens.
#include "listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace refserver {
namespace {

constexpr int backlog = 511;

}  // namespace

std::expected<Listener, std::string> listen_on(const std::string& address, std::uint16_t port) {
  sockaddr_storage storage{};
  socklen_t length = 0;
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    length = sizeof v4;
  } else if (inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    length = sizeof v6;
  } else {
    return std::unexpected(fmt::format("not a numeric address: {}", address));
  }
  UniqueFd fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  int on = 1;
  auto* generic = reinterpret_cast<sockaddr*>(&storage);
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(fd.get(), generic, length) != 0 || ::listen(fd.get(), backlog) != 0 ||
      ::getsockname(fd.get(), generic, &length) != 0) {
    return std::unexpected(
        fmt::format("cannot listen on {} port {}: {}", address, port, std::strerror(errno)));
  }
  auto actual = ntohs(storage.ss_family == AF_INET ? v4.sin_port : v6.sin6_port);
  return Listener{std::move(fd), actual};
}

}  // namespace refserver

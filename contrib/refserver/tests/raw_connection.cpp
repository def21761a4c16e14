// One TCP conversation.
#include "raw_connection.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <stdexcept>

#include "../src/fd.hpp"

namespace refserver::testing {
namespace {

constexpr int deadline_ms = 30000;

UniqueFd connect_to(const std::string& server_url) {
  auto colon = server_url.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(server_url.substr(colon + 1))));
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  pollfd waiting{fd.get(), POLLOUT, 0};
  if (!fd || (::connect(fd.get(), generic, sizeof address) != 0 && ::poll(&waiting, 1, deadline_ms) != 1)) {
    throw std::runtime_error("cannot connect to " + server_url);
  }
  return fd;
}

}  // namespace

std::string talk_raw(const std::string& server_url, std::string_view text) {
  auto fd = connect_to(server_url);
  std::string received;
  std::array<char, 4096> buffer{};
  while (true) {
    // Reads while it writes: the server may answer, and stop reading, in the middle.
    short interest = text.empty() ? POLLIN : POLLIN | POLLOUT;
    pollfd waiting{fd.get(), interest, 0};
    if (::poll(&waiting, 1, deadline_ms) != 1) throw std::runtime_error("the server is silent");
    if ((waiting.revents & (POLLIN | POLLERR | POLLHUP)) != 0) {
      ssize_t got = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
      if (got <= 0) return received;
      received.append(buffer.data(), static_cast<std::size_t>(got));
    } else if ((waiting.revents & POLLOUT) != 0) {
      ssize_t sent = ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
      if (sent < 0 && errno != EAGAIN) text = {};
    }
  }
}

}  // namespace refserver::testing

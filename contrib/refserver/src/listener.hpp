// A listening TCP socket.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "fd.hpp"

namespace refserver {

struct Listener {
  UniqueFd fd;
  std::uint16_t port = 0;
};

// The address is numeric, IPv6 without brackets; port 0 takes any free one.
std::expected<Listener, std::string> listen_on(const std::string& address, std::uint16_t port);

}  // namespace refserver

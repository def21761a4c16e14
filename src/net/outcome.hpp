// Turns the ways in which libcurl says that an exchange failed into errors for people.
#pragma once

#include <string>
#include <string_view>

#include "net/curl_handles.hpp"
#include "nithronfs/util/error.hpp"

namespace nithronfs::net {

struct CurlFailure {
  CURLcode code;
  int os_error;                // errno of the failing connect, 0: unknown
  std::string_view text;       // what libcurl wrote about it
  std::string_view authority;  // "host:port" of the server
};

[[nodiscard]] Error describe(const CurlFailure& failure);

// No connection came about: nothing was sent.
[[nodiscard]] bool is_connect_failure(CURLcode code);
// The connection broke, or never was: the same request may succeed on another one.
[[nodiscard]] bool is_connection_failure(const CurlFailure& failure);

}  // namespace nithronfs::net

// A TCP proxy on loopback that misbehaves on request, and sees what passes: the tests' hand on the wire.
//
// It knows no HTTP but one thing: in plain text it recognises the request lines of HTTP/1.1, so that a test
// can say which requests a program sent to a server that nobody here wrote.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "eventually.hpp"

namespace nithronfs::test {

// What happens to the bytes that come from the server, until the next set(). Connections that exist obey at
// once. The defaults do nothing.
struct Faults {
  bool refuse = false;     // nobody listens, and connections are reset: the server is away
  bool stall = false;      // connections are accepted, nothing is passed on any more
  milliseconds delay{0};   // each piece from the server arrives that much later
  std::uint64_t rate = 0;  // bytes per second for each connection; 0: no limit
  // After so many bytes from the server in one connection, counted from now or from its begin: end it.
  std::uint64_t reset_after = 0;     // with RST; 0: never
  std::uint64_t truncate_after = 0;  // with FIN, as if all had been sent; 0: never
};

// One request as it passed.
struct SeenRequest {
  std::string method;
  std::string target;   // as sent
  std::string range;    // value of the Range header; empty: none
  std::string headers;  // all header lines
};

// Thread-safe. The destructor closes everything.
class FaultProxy {
 public:
  // Forwards to 127.0.0.1:`server_port`.
  explicit FaultProxy(std::uint16_t server_port);
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  [[nodiscard]] std::uint16_t port() const;  // stays the same, also while refusing
  void set(const Faults& faults);            // has taken effect when it returns
  void heal() { set(Faults{}); }

  struct Counters {
    std::uint64_t connections = 0;  // accepted
    std::uint64_t open = 0;         // now
    std::uint64_t from_client = 0;  // bytes
    std::uint64_t from_server = 0;  // bytes that were passed on
  };
  [[nodiscard]] Counters counters() const;
  [[nodiscard]] std::vector<SeenRequest> requests() const;
  // Requests of `method` ("" for all) whose target contains `part`.
  [[nodiscard]] std::size_t count(std::string_view method, std::string_view part = "") const;
  // Forgets the requests seen and sets the byte counters to zero.
  void forget();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nithronfs::test

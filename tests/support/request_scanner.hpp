// Finds HTTP/1.1 requests in the bytes of one connection: head by head, bodies skipped by their length.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fault_proxy.hpp"

namespace nithronfs::test {

class RequestScanner {
 public:
  // The requests whose heads end within `bytes`. Gives up for good on what is not HTTP/1.1 in plain text, or
  // on a chunked body.
  [[nodiscard]] std::vector<SeenRequest> add(std::string_view bytes);

 private:
  std::string head_;
  std::uint64_t body_left_ = 0;
  bool foreign_ = false;
};

}  // namespace nithronfs::test

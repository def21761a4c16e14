// Collects the lines of a response head into a ResponseHead, within a bound.
#pragma once

#include <cstddef>
#include <string_view>

#include "nithronfs/net/http.hpp"

namespace nithronfs::net {

class HeadParser {
 public:
  // Bytes of one head, interim answers (1xx) included.
  static constexpr std::size_t kMaxBytes = std::size_t{64} * 1024;

  enum class Step {
    more,      // the head goes on
    complete,  // this was the empty line after a final status
    ignored,   // after the head: a trailer of a chunked body
    bad,       // not HTTP, or above the bound
  };
  // `line` as it arrived, line end included.
  [[nodiscard]] Step feed(std::string_view line);
  [[nodiscard]] const ResponseHead& head() const { return head_; }
  [[nodiscard]] bool complete() const { return complete_; }
  // Major version of HTTP that the status line told.
  [[nodiscard]] int http_major() const { return http_major_; }

 private:
  [[nodiscard]] bool read_status_line(std::string_view line);
  [[nodiscard]] bool read_field(std::string_view line);

  ResponseHead head_;
  std::size_t bytes_ = 0;
  int http_major_ = 0;
  bool complete_ = false;
};

}  // namespace nithronfs::net

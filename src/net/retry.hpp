// When a failed request is sent again, and after which pause. No I/O: tests call it with times of their own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "nithronfs/util/result.hpp"
#include "nithronfs/util/seams.hpp"

namespace nithronfs::net {

enum class FailureKind {
  connection,  // no connection, or it broke before an answer
  status,      // 429, 502, 503, 504
};

struct Failure {
  FailureKind kind = FailureKind::connection;
  unsigned attempts = 1;             // sent so far, the failed one included
  std::optional<Nanos> retry_after;  // what the server asked for
};

[[nodiscard]] bool is_transient_status(int status);

// Retry-After (RFC 9110, 10.2.3): seconds or a date; not negative. Nothing when it is neither.
[[nodiscard]] std::optional<Nanos> parse_retry_after(std::string_view value, WallTime now);

// The pause before the next attempt, or nothing when there should be none: too many attempts, or the pause
// would not end before `remaining` has passed. Full jitter: uniform between zero and a bound that doubles;
// what the server asked for is a minimum.
[[nodiscard]] std::optional<Nanos> pause_before_repeat(const Failure& failure, std::optional<Nanos> remaining,
                                                       Random& random);

// Remembers hosts that could not be reached, so that what asks next fails at once instead of waiting for the
// same time-out again. One request per cool-down is let through to look. Not thread-safe.
class HostHealth {
 public:
  // Nothing: go ahead. Otherwise what the last attempt died of.
  [[nodiscard]] std::optional<Error> refuse(const std::string& authority, SteadyTime now);
  void unreachable(const std::string& authority, const Error& error, SteadyTime now);
  void reached(const std::string& authority);
  void forget() { away_.clear(); }

 private:
  struct Away {
    Error error;
    Nanos cool_down;
    SteadyTime until;
  };
  std::unordered_map<std::string, Away> away_;
};

}  // namespace nithronfs::net

// The numbers of repeating: how often, how long, and how long an absent host is left alone.
#include "net/retry.hpp"

#include <algorithm>
#include <charconv>

#include "nithronfs/net/http_date.hpp"

namespace nithronfs::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// An absent host shall be reported soon (nothing that is not cached hangs without a network); a host that
// answers "busy" is worth more patience.
constexpr unsigned kConnectionAttempts = 3;
constexpr unsigned kStatusAttempts = 6;
constexpr Nanos kFirstPause = milliseconds(100);
constexpr Nanos kLongestPause = seconds(5);
// Where no deadline bounds it.
constexpr Nanos kLongestRetryAfter = seconds(120);

constexpr Nanos kFirstCoolDown = milliseconds(500);
constexpr Nanos kLongestCoolDown = seconds(5);
constexpr std::size_t kMaxHosts = 64;

Nanos jittered(Nanos bound, Random& random) {
  return Nanos(static_cast<Nanos::rep>(random.next_u64() % static_cast<std::uint64_t>(bound.count() + 1)));
}

}  // namespace

bool is_transient_status(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

std::optional<Nanos> parse_retry_after(std::string_view value, WallTime now) {
  if (value.empty()) return std::nullopt;
  if (value.find_first_not_of("0123456789") == std::string_view::npos) {
    std::uint32_t count = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
    // A number beyond 32 bits is still a number: longer than anybody waits.
    return error == std::errc{} ? Nanos(seconds(count)) : Nanos(std::chrono::hours(24 * 365));
  }
  const auto date = parse_http_date(value);
  if (!date) return std::nullopt;
  const auto now_seconds = std::chrono::duration_cast<seconds>(now.time_since_epoch()).count();
  constexpr std::int64_t kYear = 365LL * 24 * 3600;
  return Nanos(seconds(std::clamp<std::int64_t>(date->seconds - now_seconds, 0, kYear)));
}

std::optional<Nanos> pause_before_repeat(const Failure& failure, std::optional<Nanos> remaining,
                                         Random& random) {
  const unsigned limit = failure.kind == FailureKind::connection ? kConnectionAttempts : kStatusAttempts;
  if (failure.attempts >= limit) return std::nullopt;
  const Nanos bound = std::min(kLongestPause, kFirstPause * (1U << std::min(failure.attempts - 1, 10U)));
  const Nanos pause = std::max(jittered(bound, random), failure.retry_after.value_or(Nanos{0}));
  if (pause >= remaining.value_or(kLongestRetryAfter)) return std::nullopt;
  return pause;
}

std::optional<Error> HostHealth::refuse(const std::string& authority, SteadyTime now) {
  const auto found = away_.find(authority);
  if (found == away_.end()) return std::nullopt;
  Away& away = found->second;
  if (now < away.until) return away.error;
  away.until = now + away.cool_down;
  return std::nullopt;
}

void HostHealth::unreachable(const std::string& authority, const Error& error, SteadyTime now) {
  if (away_.size() >= kMaxHosts) away_.clear();
  const auto [entry, inserted] =
      away_.try_emplace(authority, Away{error, kFirstCoolDown, now + kFirstCoolDown});
  if (inserted) return;
  Away& away = entry->second;
  away.error = error;
  away.cool_down = std::min(kLongestCoolDown, away.cool_down * 2);
  away.until = now + away.cool_down;
}

void HostHealth::reached(const std::string& authority) {
  if (!away_.empty()) away_.erase(authority);
}

}  // namespace nithronfs::net

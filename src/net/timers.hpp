// The points in time that calls wait for, soonest first.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "nithronfs/net/http.hpp"

namespace nithronfs::net {

enum class TimerKind { deadline, stall, repeat };

// At most one timer per call and kind. Not thread-safe.
class Timers {
 public:
  struct Due {
    CallId call;
    TimerKind kind;
  };

  void arm(CallId call, TimerKind kind, SteadyTime when) {
    disarm(call, kind);
    when_.emplace(Key{call, kind}, when);
    order_.emplace(when, Key{call, kind});
  }
  void disarm(CallId call, TimerKind kind) {
    const auto found = when_.find(Key{call, kind});
    if (found == when_.end()) return;
    order_.erase({found->second, found->first});
    when_.erase(found);
  }
  void disarm_all(CallId call) {
    for (const TimerKind kind : {TimerKind::deadline, TimerKind::stall, TimerKind::repeat})
      disarm(call, kind);
  }
  // One timer that is due, removed.
  [[nodiscard]] std::optional<Due> take_due(SteadyTime now) {
    if (order_.empty() || order_.begin()->first > now) return std::nullopt;
    const Key key = order_.begin()->second;
    order_.erase(order_.begin());
    when_.erase(key);
    return Due{.call = key.first, .kind = key.second};
  }
  [[nodiscard]] std::optional<SteadyTime> next() const {
    if (order_.empty()) return std::nullopt;
    return order_.begin()->first;
  }

 private:
  using Key = std::pair<CallId, TimerKind>;
  std::map<Key, SteadyTime> when_;
  std::set<std::pair<SteadyTime, Key>> order_;
};

}  // namespace nithronfs::net

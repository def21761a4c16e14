// Who may be on the wire: slots shared by the three priorities so that the lower ones never hold all of them.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <set>

#include "nithronfs/net/http.hpp"

namespace nithronfs::net {

// Not thread-safe. Of N slots, foreground may take all; readahead and background together leave a quarter (at
// least one) free for it; background alone takes a quarter (at least one) at most.
class SlotTable {
 public:
  explicit SlotTable(unsigned total);

  // Adds a call to its class's queue. Lower ids go first, so that a repeated call keeps its place.
  void enqueue(CallId call, Priority priority);
  // Removes a waiting call.
  void withdraw(CallId call, Priority priority);
  // The call to start next, its slot taken; none when nobody may start.
  [[nodiscard]] std::optional<CallId> start_next();
  void give_back(Priority priority);

  [[nodiscard]] std::size_t waiting() const;
  [[nodiscard]] unsigned total() const { return total_; }
  [[nodiscard]] unsigned busy() const { return busy_[0] + busy_[1] + busy_[2]; }

 private:
  [[nodiscard]] bool may_start(Priority priority) const;

  unsigned total_;
  unsigned bulk_limit_;
  unsigned background_limit_;
  std::array<unsigned, 3> busy_{};
  std::array<std::set<CallId>, 3> waiting_;
};

}  // namespace nithronfs::net

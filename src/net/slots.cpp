// One ordered queue per priority; a queue is served only while its class has room.
#include "net/slots.hpp"

#include <algorithm>
#include <cassert>

namespace nithronfs::net {
namespace {

constexpr std::size_t index_of(Priority priority) {
  return static_cast<std::size_t>(priority);
}

}  // namespace

SlotTable::SlotTable(unsigned total)
    : total_(std::max(2U, total)),
      bulk_limit_(total_ - std::max(1U, total_ / 4)),
      background_limit_(std::max(1U, total_ / 4)) {}

void SlotTable::enqueue(CallId call, Priority priority) {
  waiting_[index_of(priority)].insert(call);
}

void SlotTable::withdraw(CallId call, Priority priority) {
  waiting_[index_of(priority)].erase(call);
}

bool SlotTable::may_start(Priority priority) const {
  if (busy() >= total_) return false;
  if (priority == Priority::foreground) return true;
  const unsigned bulk = busy_[index_of(Priority::readahead)] + busy_[index_of(Priority::background)];
  if (bulk >= bulk_limit_) return false;
  return priority == Priority::readahead || busy_[index_of(Priority::background)] < background_limit_;
}

std::optional<CallId> SlotTable::start_next() {
  for (const Priority priority : {Priority::foreground, Priority::readahead, Priority::background}) {
    auto& line = waiting_[index_of(priority)];
    if (line.empty() || !may_start(priority)) continue;
    const CallId call = *line.begin();
    line.erase(line.begin());
    ++busy_[index_of(priority)];
    return call;
  }
  return std::nullopt;
}

void SlotTable::give_back(Priority priority) {
  assert(busy_[index_of(priority)] > 0);
  --busy_[index_of(priority)];
}

std::size_t SlotTable::waiting() const {
  return waiting_[0].size() + waiting_[1].size() + waiting_[2].size();
}

}  // namespace nithronfs::net

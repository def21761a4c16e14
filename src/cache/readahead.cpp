// Sequential or not, and how far ahead.
#include "readahead.hpp"

#include <algorithm>

namespace nithronfs::cache {

Readahead::Plan Readahead::on_read(Extent read, std::uint64_t file_size) {
  const bool sequential = started_ && read.begin <= front_ + slack && read.end + slack >= front_;
  Plan plan;
  if (sequential) {
    run_begin_ = std::min(run_begin_, read.begin);
    front_ = std::max(front_, read.end);
    const auto window = std::min(2 * (front_ - run_begin_), max_window);
    plan.goal = std::min(front_ + window, file_size);
  } else {
    plan.seek = started_;
    run_begin_ = read.begin;
    front_ = read.end;
    plan.goal = std::min(read.end, file_size);
  }
  started_ = true;
  return plan;
}

}  // namespace nithronfs::cache

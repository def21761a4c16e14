// How far to fetch ahead of one reader. Pure arithmetic; the policy's only state is where the reader was.
#pragma once

#include <cstdint>

#include "nithronfs/cache/extents.hpp"

namespace nithronfs::cache {

class Readahead {
 public:
  // The kernel sends up to this much of one sequential reader out of order.
  static constexpr std::uint64_t slack = std::uint64_t{2} << 20;
  // Enough that the next request is under way while the last one streams, at 1 GB/s and 10 ms.
  static constexpr std::uint64_t max_window = std::uint64_t{32} << 20;

  struct Plan {
    bool seek = false;  // the reader went elsewhere: what was fetched ahead for it is not wanted any more
    std::uint64_t goal = 0;  // bytes up to here are worth having; never beyond the file
  };

  // The window is twice what was read in this run: a reader that stops has cost at most three times what it
  // asked for, and one that goes on soon has the whole window (S3).
  Plan on_read(Extent read, std::uint64_t file_size);

 private:
  bool started_ = false;
  std::uint64_t run_begin_ = 0;
  std::uint64_t front_ = 0;
};

}  // namespace nithronfs::cache

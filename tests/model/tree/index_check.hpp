// Whether the rows of an index agree with each other, looked at without the tree's own code for changes.
#pragma once

#include <string>
#include <vector>

#include "nithronfs/store/store.hpp"
#include "nithronfs/tree/tree.hpp"

namespace nithronfs::tree::test {

// One line for each disagreement; none for a sound index. `work_pending`: a removal may be half done.
[[nodiscard]] std::vector<std::string> disagreements(const store::Environment& index, bool work_pending);

}  // namespace nithronfs::tree::test

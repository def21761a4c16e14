// Which names Linux can hold, and which name each share gets in the directory of all shares.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nithronfs/remote/types.hpp"

namespace nithronfs::tree {

// True for what Linux can hold as one name: 1 to 255 bytes without '/' and NUL, not "." or "..".
[[nodiscard]] bool is_file_name(std::string_view name);

struct NamedShare {
  const remote::Share* share;
  std::string name;
};

// Names for `shares`, each once, none twice. The first choice is the share's own name; of several that want
// the same one, the share that `current` says has it keeps it, else the lowest id gets it. The others become
// "name (id)", and where Linux cannot hold that, or the share's own name, the id alone; a share for which
// nothing is left gets no name. Repeated ids are taken once.
[[nodiscard]] std::vector<NamedShare> name_shares(
    std::span<const remote::Share> shares,
    const std::function<bool(const remote::Share&, std::string_view name)>& current);

}  // namespace nithronfs::tree

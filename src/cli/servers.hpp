// The real servers, over the network.
#pragma once

#include <memory>
#include <ostream>

#include "context.hpp"

namespace nithronfs::cli {

// Says on `err` what it waits for when an answer takes more than a second.
[[nodiscard]] std::unique_ptr<Servers> make_servers(std::ostream& err);

}  // namespace nithronfs::cli

// What a mount of one share has to remember to start without the server (S27): which share it is.
#pragma once

#include <optional>

#include "nithronfs/remote/types.hpp"
#include "nithronfs/store/store.hpp"

namespace nithronfs::daemon {

// Row "share" of the state's table: version byte 1, then id and name, each ended by a NUL, then 'r' or 'w'.
[[nodiscard]] Result<std::optional<remote::Share>> load_share(const store::Environment& state,
                                                              store::Table table);
[[nodiscard]] Result<void> save_share(store::Environment& state, store::Table table,
                                      const remote::Share& share);

}  // namespace nithronfs::daemon

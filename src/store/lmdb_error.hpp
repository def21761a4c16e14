// LMDB's return codes as errors of ours.
#pragma once

#include <string_view>

#include "nithronfs/util/error.hpp"

namespace nithronfs::store {

// `code` is a failure: an MDB_* code or an errno. `what` says what was being done, for the message.
[[nodiscard]] Error lmdb_error(std::string_view what, int code);

}  // namespace nithronfs::store

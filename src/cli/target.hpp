// Which server a command is about, and which account file belongs to it.
#pragma once

#include <string>

#include "context.hpp"
#include "invocation.hpp"

namespace nithronfs::cli {

struct Target {
  Connection connection;
  std::string account_file;  // absolute
};

// From `url` and the options --account, --ca, --pinnedpubkey and --insecure, over the configuration file, as
// a mount of that URL would have it. Errors: invalid_argument.
[[nodiscard]] Result<Target> target_of(const std::string& url, const Invocation& invocation,
                                       const Context& context);

}  // namespace nithronfs::cli

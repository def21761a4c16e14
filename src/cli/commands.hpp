// One function per command; each returns what makes the exit code.
#pragma once

#include "context.hpp"
#include "invocation.hpp"

namespace nithronfs::cli {

[[nodiscard]] Result<ExitCode> login(const Invocation& invocation, Context& context);
[[nodiscard]] Result<ExitCode> shares(const Invocation& invocation, Context& context);
[[nodiscard]] Result<ExitCode> mounts(const Invocation& invocation, Context& context);
[[nodiscard]] Result<ExitCode> status(const Invocation& invocation, Context& context);

}  // namespace nithronfs::cli

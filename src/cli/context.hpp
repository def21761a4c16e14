// What a command works with: everything outside of it that a test replaces.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "nithronfs/config/options.hpp"
#include "nithronfs/config/paths.hpp"
#include "nithronfs/remote/auth.hpp"
#include "nithronfs/remote/types.hpp"
#include "nithronfs/util/clock.hpp"
#include "terminal.hpp"

namespace nithronfs::cli {

enum class ExitCode : int { done = 0, failed = 1, wrong_use = 2, not_reachable = 3 };

// 2 for invalid_argument, 3 for what may work later without the user doing anything (server or daemon away),
// else 1.
[[nodiscard]] ExitCode exit_code_of(const Error& error);

// Where a server is and how it is trusted.
struct Connection {
  std::string origin;  // https://host[:port]
  std::string ca;
  std::string pinned_pubkey;
  bool insecure = false;
  Nanos timeout = std::chrono::seconds(30);
};

// What nithronctl asks servers for. Calls wait for the answer.
class Servers {
 public:
  virtual ~Servers() = default;
  // One login attempt.
  [[nodiscard]] virtual Result<remote::Account> register_device(const Connection& connection,
                                                                remote::Credentials credentials) = 0;
  [[nodiscard]] virtual Result<std::vector<remote::Share>> shares(const Connection& connection,
                                                                  const std::string& account_file) = 0;
};

struct Context {
  config::Environment environment;
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
  Terminal& terminal;
  Servers& servers;
  const Clock& clock;
  std::string host_name;
  Nanos mount_timeout = std::chrono::seconds(5);  // for the answer of a running mount
};

// Runs one command line, `words` without the program's name; prints what goes wrong to `context.err`.
[[nodiscard]] ExitCode run(std::span<const std::string> words, Context& context);

}  // namespace nithronfs::cli

// nithronctl: everything a person or a script does with a mount or an account.
#include <unistd.h>

#include <array>
#include <csignal>
#include <iostream>

#include "context.hpp"
#include "servers.hpp"

namespace {

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "linux";
  return name.data();
}

}  // namespace

int main(int argc, char** argv) {
  using namespace nithronfs;
  std::signal(SIGPIPE, SIG_IGN);  // writing to a closed pipe is an error like others
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  const SystemClock clock;
  const auto terminal = cli::controlling_terminal();
  const auto servers = cli::make_servers(std::cerr);
  cli::Context context{.environment = config::process_environment(),
                       .out = std::cout,
                       .err = std::cerr,
                       .in = std::cin,
                       .terminal = *terminal,
                       .servers = *servers,
                       .clock = clock,
                       .host_name = host_name()};
  const cli::ExitCode code = cli::run(words, context);
  std::cout.flush();
  if (!std::cout && code == cli::ExitCode::done) return static_cast<int>(cli::ExitCode::failed);
  return static_cast<int>(code);
}

// nithron-refserver: arguments, signals, life cycle.
#include <csignal>
#include <cstdio>
#include <exception>

#include <fmt/format.h>

#include "log.hpp"
#include "options.hpp"
#include "server.hpp"

namespace {

int run(int argc, char** argv) {
  auto options = refserver::parse_options(argc, argv);
  if (!options) {
    fmt::print(stderr, "nithron-refserver: {}\nTry nithron-refserver --help.\n", options.error());
    return 2;
  }
  if (options->help) {
    fmt::print("{}", refserver::usage());
    return 0;
  }
  if (options->version) {
    fmt::print("nithron-refserver {}\n", NITHRONFS_VERSION);
    return 0;
  }
  // Blocked before any thread starts, so that only sigwait sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  auto server = refserver::Server::start(*options);
  if (!server) {
    fmt::print(stderr, "nithron-refserver: {}\n", server.error());
    return 1;
  }
  fmt::print("listening on {}\n", (*server)->url());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "nithron-refserver: {}\n", error.what());
    return 1;
  }
}

// The program nithronfs (and mount.nithronfs): arguments, checks, the background, signals.
#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <thread>

#include "background.hpp"
#include "mount.hpp"
#include "nithronfs/config/arguments.hpp"
#include "nithronfs/config/mount_config.hpp"
#include "nithronfs/fuse/session.hpp"

namespace nithronfs::daemon {
namespace {

using config::ExitCode;

int report(std::string_view program, const Error& error, ExitCode code) {
  fmt::print(stderr, "{}: {}\n", program, redact(error.message));
  return static_cast<int>(code);
}

// Each cached file that is open costs a descriptor.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

sigset_t termination_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

// Ends the mount at the first termination signal. Its destructor ends the thread.
class SignalThread {
 public:
  explicit SignalThread(Mount& mount)
      : thread_([&mount] {
          const auto set = termination_signals();
          int signal = 0;
          sigwait(&set, &signal);
          mount.stop();
        }) {}
  ~SignalThread() {
    pthread_kill(thread_.native_handle(), SIGTERM);
    thread_.join();
  }
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  std::thread thread_;
};

Result<void> serve(const config::MountConfig& config, Log& log, StartReport& start) {
  auto mount = Mount::start(config, log);
  if (!mount) return fail(mount.error());
  const SignalThread signals(**mount);
  return (*mount)->serve([&] {
    log.info("{} is mounted at {}", config.url.to_string(), config.mountpoint);
    for (const auto& note : config.notes) log.info("{}", note);
    start.ready();
  });
}

int run(const config::MountConfig& config, const config::DaemonArguments& arguments) {
  const bool foreground = arguments.foreground || arguments.debug;
  StartReport start;
  if (!foreground) {
    auto forked = go_to_background(arguments.program, static_cast<int>(ExitCode::failure));
    if (!forked) return report(arguments.program, forked.error(), ExitCode::failure);
    if (forked->parent) return forked->exit_status;
    start = std::move(forked->report);
  }
  const auto give_up = [&](const Error& error) {
    start.failed(redact(error.message));
    return start.in_background() ? static_cast<int>(ExitCode::failure)
                                 : report(arguments.program, error, ExitCode::failure);
  };
  // Before the first thread, so that all of them have these blocked.
  const auto signals = termination_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  if (auto made = config::make_private_directory(config.state_dir); !made) return give_up(made.error());
  auto log = make_log({.level = config.options.log_level,
                       .target = foreground ? LogTarget::console : LogTarget::background,
                       .file = config.state_dir + "/nithronfs.log"});
  if (!log) return give_up(log.error());
  if (const auto served = serve(config, **log, start); !served) {
    if (start.in_background()) (*log)->error("{}", served.error().message);
    return give_up(served.error());
  }
  (*log)->info("{} is unmounted", config.mountpoint);
  return static_cast<int>(ExitCode::success);
}

int main_of(std::span<const std::string> argv) {
  const auto environment = config::process_environment();
  const auto arguments = config::parse_arguments(argv);
  if (!arguments) return report("nithronfs", arguments.error(), ExitCode::usage);
  using Action = config::DaemonArguments::Action;
  if (arguments->action == Action::show_help) {
    fmt::print("{}", config::help_text(*arguments));
    return 0;
  }
  if (arguments->action == Action::show_version) {
    fmt::print("{}", config::version_text(arguments->program));
    return 0;
  }
  auto config = config::load_mount_config(*arguments, environment);
  if (!config) return report(arguments->program, config.error(), ExitCode::usage);
  if (arguments->debug) config->options.log_level = LogLevel::debug;
  if (arguments->action == Action::show_config) {
    fmt::print("{}\n", config::to_json(*config));
    return 0;
  }
  if (const auto checked = fuse::prepare_mountpoint(config->mountpoint); !checked) {
    return report(arguments->program, checked.error(), ExitCode::failure);
  }
  if (arguments->fake) return 0;
  raise_file_limit();
  return run(*config, *arguments);
}

}  // namespace
}  // namespace nithronfs::daemon

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  return nithronfs::daemon::main_of(arguments);
}

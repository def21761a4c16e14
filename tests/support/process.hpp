// A child process with its output in files; ended by its id when the test ends.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "eventually.hpp"
#include "nithronfs/util/unique_fd.hpp"

namespace nithronfs::test {

struct Exit {
  int code = -1;   // exit status, or -1 when a signal ended the process
  int signal = 0;  // the signal that ended it, or 0
  friend bool operator==(const Exit&, const Exit&) = default;
};

struct Command {
  std::vector<std::string> arguments;              // the first is looked up in PATH
  std::map<std::string, std::string> environment;  // added to ours
  std::filesystem::path output;  // standard output and error are appended here; empty: /dev/null
  std::string input;             // standard input, at most what a pipe holds (64 KiB)
};

// Moves, does not copy. The destructor ends the process with SIGKILL if it still runs and collects it. The
// child also ends with the thread that started it, so that a crashed test leaves nothing behind.
class ChildProcess {
 public:
  explicit ChildProcess(const Command& command);
  ~ChildProcess();
  ChildProcess(ChildProcess&&) noexcept = default;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  // None when it still runs after `limit`. May be asked again.
  [[nodiscard]] std::optional<Exit> wait(milliseconds limit = patience);
  [[nodiscard]] bool running() { return !wait(milliseconds(0)).has_value(); }
  // SIGTERM, then wait.
  [[nodiscard]] std::optional<Exit> terminate(milliseconds limit = patience);
  // SIGKILL, then wait.
  void kill();

  // The first line of the output that contains `text`; none when the process ended or `limit` passed before.
  [[nodiscard]] std::optional<std::string> wait_for_line(std::string_view text,
                                                         milliseconds limit = patience);
  [[nodiscard]] std::string output() const;

 private:
  pid_t pid_ = -1;
  UniqueFd handle_;  // pidfd: becomes readable when the process ends
  std::filesystem::path output_;
  std::optional<Exit> exit_;
};

struct Finished {
  Exit exit;
  std::string output;  // standard output and error
};
// Runs to the end; fails the test (by exception) when that takes longer than `limit`.
[[nodiscard]] Finished run(Command command, milliseconds limit = patience);

// A TCP port of 127.0.0.1 that nobody listens on at the moment.
[[nodiscard]] std::uint16_t free_port();

}  // namespace nithronfs::test

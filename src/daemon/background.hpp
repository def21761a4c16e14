// Going to the background only once the mount answers: the parent waits and passes on how the start went.
#pragma once

#include <string>
#include <string_view>

#include "nithronfs/util/result.hpp"
#include "nithronfs/util/unique_fd.hpp"

namespace nithronfs::daemon {

// In the child: where to report. Dropped without a word, the parent reports failure.
class StartReport {
 public:
  StartReport() = default;  // foreground: nobody waits
  explicit StartReport(UniqueFd pipe) : pipe_(std::move(pipe)) {}
  // The mount answers. Lets go of the terminal, too.
  void ready();
  // One line for the person who waits.
  void failed(std::string_view message);
  [[nodiscard]] bool in_background() const { return background_; }

 private:
  UniqueFd pipe_;
  bool background_ = static_cast<bool>(pipe_);
};

// Forks; call it before any thread exists. The child returns with its report. The parent waits for it, prints
// a failure to standard error, and returns the exit status that it has to end with.
struct Forked {
  bool parent = false;
  int exit_status = 0;
  StartReport report;
};
[[nodiscard]] Result<Forked> go_to_background(std::string_view program, int failure_status);

}  // namespace nithronfs::daemon

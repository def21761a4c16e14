// Asking the person at the keyboard.
#pragma once

#include <memory>
#include <string>

#include "nithronfs/util/result.hpp"
#include "nithronfs/util/unique_fd.hpp"

namespace nithronfs::cli {

enum class Echo : bool { off, on };

class Terminal {
 public:
  virtual ~Terminal() = default;
  // Nobody can be asked: a script, cron, a pipe.
  [[nodiscard]] virtual bool present() const = 0;
  // Shows `prompt` and reads one line. Errors: interrupted (Ctrl-C, end of input), not_supported (nobody
  // there).
  [[nodiscard]] virtual Result<std::string> ask(const std::string& prompt, Echo echo) = 0;
};

// Speaks through `tty` whatever standard input and output are; an invalid descriptor means nobody is there.
[[nodiscard]] std::unique_ptr<Terminal> make_terminal(UniqueFd tty);
// The terminal that controls this process.
[[nodiscard]] std::unique_ptr<Terminal> controlling_terminal();

}  // namespace nithronfs::cli

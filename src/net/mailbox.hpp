// What other threads want from the net thread, and the descriptor that wakes it.
#pragma once

#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include "net/call.hpp"
#include "nithronfs/util/unique_fd.hpp"

namespace nithronfs::net {

struct StartCommand {
  std::unique_ptr<Call> call;
};
struct CancelCommand {
  CallId call;
};
struct ResumeCommand {
  CallId call;
};
struct NetworkChangedCommand {};
struct StopCommand {};
using Command = std::variant<StartCommand, CancelCommand, ResumeCommand, NetworkChangedCommand, StopCommand>;

// Thread-safe.
class Mailbox {
 public:
  [[nodiscard]] Result<void> open();
  [[nodiscard]] int wake_fd() const { return wake_.get(); }

  // Gives the command back when the mailbox is closed.
  [[nodiscard]] std::optional<Command> post(Command command);
  // All commands so far, in their order, into `out` (which is emptied first).
  void take_all(std::vector<Command>& out);
  // Empties the wake descriptor.
  void drain_wake();
  // True when it was empty and takes no more from now on.
  [[nodiscard]] bool close_if_empty();

 private:
  UniqueFd wake_;
  std::mutex mutex_;
  std::vector<Command> commands_;  // guarded by mutex_
  bool closed_ = false;            // guarded by mutex_
};

}  // namespace nithronfs::net

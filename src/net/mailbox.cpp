// A vector under a mutex, and an eventfd that is written only when the vector was empty.
#include "net/mailbox.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace nithronfs::net {

Result<void> Mailbox::open() {
  wake_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_) return fail(system_error("eventfd", errno));
  return {};
}

std::optional<Command> Mailbox::post(Command command) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return command;
    first = commands_.empty();
    commands_.push_back(std::move(command));
  }
  // Who finds commands waiting knows that their sender wakes the thread.
  if (first) (void)eventfd_write(wake_.get(), 1);
  return std::nullopt;
}

void Mailbox::take_all(std::vector<Command>& out) {
  out.clear();
  const std::lock_guard lock(mutex_);
  out.swap(commands_);
}

void Mailbox::drain_wake() {
  eventfd_t count = 0;
  (void)eventfd_read(wake_.get(), &count);
}

bool Mailbox::close_if_empty() {
  const std::lock_guard lock(mutex_);
  closed_ = commands_.empty();
  return closed_;
}

}  // namespace nithronfs::net

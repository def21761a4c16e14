// Looks at the files in transit from time to time.
#include "send_guard.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <chrono>
#include <utility>

namespace refserver {
namespace {

constexpr auto interval = std::chrono::milliseconds(500);

}  // namespace

SendGuard::SendGuard() : thread_([this] { run(); }) {}

SendGuard::~SendGuard() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void SendGuard::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !sendings_.empty(); });
    // Most answers are sent long before the first look.
    if (changed_.wait_for(lock, interval, [this] { return stopping_; })) return;
    for (const auto& sending : sendings_) {
      struct stat status{};
      bool known = ::fstat(sending.file.get(), &status) == 0;
      if (known && static_cast<std::uint64_t>(status.st_size) < sending.end)
        ::shutdown(sending.socket, SHUT_RDWR);
    }
  }
}

SendGuard::Ticket::Ticket(SendGuard& guard, int socket, int file, std::uint64_t end) : guard_(&guard) {
  UniqueFd copy(::fcntl(file, F_DUPFD_CLOEXEC, 0));
  std::lock_guard lock(guard.mutex_);
  place_ = guard.sendings_.insert(guard.sendings_.end(), Sending{socket, std::move(copy), end});
  if (guard.sendings_.size() == 1) guard.changed_.notify_all();
}

SendGuard::Ticket::Ticket(Ticket&& other) noexcept
    : guard_(std::exchange(other.guard_, nullptr)), place_(other.place_) {}

SendGuard::Ticket& SendGuard::Ticket::operator=(Ticket&& other) noexcept {
  std::swap(guard_, other.guard_);
  std::swap(place_, other.place_);
  return *this;
}

SendGuard::Ticket::~Ticket() {
  if (guard_ == nullptr) return;
  std::lock_guard lock(guard_->mutex_);
  guard_->sendings_.erase(place_);
}

}  // namespace refserver

// The daemon's socket in the runtime directory: mode 0600, stale files replaced, removed at the end.
#pragma once

#include <string>

#include "nithronfs/util/clock.hpp"
#include "nithronfs/util/result.hpp"
#include "nithronfs/util/unique_fd.hpp"

namespace nithronfs::dbus {

class Listener {
 public:
  // Errors: busy when somebody answers there already, name_too_long, else what the system says.
  [[nodiscard]] static Result<Listener> listen_at(const std::string& path);
  Listener(Listener&&) noexcept = default;
  Listener& operator=(Listener&&) = delete;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  [[nodiscard]] int fd() const { return fd_.get(); }
  // The next waiting peer, if it is this user or root; others are turned away. Invalid when nobody waits.
  [[nodiscard]] UniqueFd accept_peer() const;

 private:
  Listener(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  UniqueFd fd_;
  std::string path_;
};

// A connection to the socket at `path`. Where many wait to be accepted already, waits for `patience`, zero:
// not at all. Errors: offline (no file, or nobody listens), busy (somebody listens and does not accept),
// permission.
[[nodiscard]] Result<UniqueFd> connect_to(const std::string& path, Nanos patience);

}  // namespace nithronfs::dbus

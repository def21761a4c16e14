// One running mount: everything wired together, started and ended in the right order.
#pragma once

#include <functional>
#include <memory>

#include "nithronfs/config/mount_config.hpp"
#include "nithronfs/util/result.hpp"
#include "nithronfs/util/seams.hpp"

namespace nithronfs::daemon {

class Mount {
 public:
  virtual ~Mount() = default;
  // Opens the databases, learns what has to be known about the server, mounts. Nothing answers yet.
  // Errors: those a person can act on, each with what to do.
  [[nodiscard]] static Result<std::unique_ptr<Mount>> start(const config::MountConfig& config, Log& log);
  // Serves until stop() or umount; then ends everything in order. Main thread.
  [[nodiscard]] virtual Result<void> serve(std::function<void()> on_ready) = 0;
  // From another thread.
  virtual void stop() = 0;
};

}  // namespace nithronfs::daemon

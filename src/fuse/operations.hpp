// The table of kernel requests that libfuse calls, over one Vfs.
#pragma once

#include <functional>
#include <memory>

#include "lowlevel.hpp"
#include "nithronfs/util/seams.hpp"
#include "nithronfs/vfs/vfs.hpp"

namespace nithronfs::fuse {

// What libfuse hands back to each operation as user data.
struct Context {
  vfs::Vfs& vfs;
  Seams seams;
  std::function<void()> on_ready;  // called by INIT
};

[[nodiscard]] const fuse_lowlevel_ops& operations();

}  // namespace nithronfs::fuse

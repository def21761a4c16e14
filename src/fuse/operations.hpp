// The table of kernel requests that libfuse calls, over one Vfs.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>

#include "lowlevel.hpp"
#include "nithronfs/util/mutex.hpp"
#include "nithronfs/util/seams.hpp"
#include "nithronfs/vfs/vfs.hpp"

namespace nithronfs::fuse {

// Bytes in one READ at most. An answer with its header has to fit into a pipe of 1 MiB, which is as large as
// everybody may make one, or libfuse copies instead of splicing.
constexpr unsigned max_read = 512U << 10;

// Open files as numbers in fi->fh: the kernel keeps them while they are open, and a mount that ends does not
// give all of them back. Thread-safe.
class HandleTable {
 public:
  using Handle = std::shared_ptr<vfs::OpenFile>;
  std::uint64_t add(Handle handle) EXCLUDES(mutex_);
  [[nodiscard]] Handle find(std::uint64_t number) EXCLUDES(mutex_);
  void remove(std::uint64_t number) EXCLUDES(mutex_);
  void clear() EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  std::unordered_map<std::uint64_t, Handle> handles_ GUARDED_BY(mutex_);
  std::uint64_t last_ GUARDED_BY(mutex_) = 0;
};

// What libfuse hands back to each operation as user data.
struct Context {
  vfs::Vfs& vfs;
  Seams seams;
  std::function<void()> on_ready;  // called by INIT
  HandleTable handles;
};

[[nodiscard]] const fuse_lowlevel_ops& operations();

}  // namespace nithronfs::fuse

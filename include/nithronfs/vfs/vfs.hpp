// What a file operation means. Knows the tree, the cache and the server; knows no libfuse type.
//
// Every operation answers from what is known, at once; only four may wait for the network, and they say so by
// taking a Reply: lookup and open_directory in a directory never listed, open of a file not confirmed for a
// while (K3), and read of bytes that are not here. Waiting ends with the answer, the deadline, or the
// caller's interrupt.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nithronfs/cache/cache.hpp"
#include "nithronfs/remote/remote.hpp"
#include "nithronfs/tree/tree.hpp"
#include "nithronfs/util/cancel.hpp"
#include "nithronfs/util/result.hpp"
#include "nithronfs/util/seams.hpp"

namespace nithronfs::vfs {

using tree::NodeId;

// Called exactly once, on the caller's thread, the engine or the net thread; must not block.
template <class T>
using Reply = std::move_only_function<void(Result<T>)>;

struct Attributes {
  NodeId node = NodeId::none;
  std::uint64_t ino = 0;
  remote::Kind kind = remote::Kind::file;
  std::uint32_t permissions = 0;  // the low twelve bits of st_mode
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;
  std::uint64_t blocks = 0;  // of 512 bytes
  Timestamp mtime;
};

struct Space {
  std::uint64_t total_bytes = 0;
  std::uint64_t available_bytes = 0;
  std::uint64_t files = 0;
};

struct Problem {
  std::string path;  // in the mount
  std::string message;
  WallTime since{};
};

struct Options {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t file_permissions = 0644;
  std::uint32_t directory_permissions = 0755;
  bool force_permissions = false;  // also where the server knows better
  Nanos fresh_for = std::chrono::seconds(10);
  Nanos timeout = std::chrono::seconds(30);
  bool local_blocks = false;  // st_blocks tells what is cached (S21)
};

// Receives what the kernel has to forget. Called on the engine thread; must not block and not call back.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void changed(const tree::Changes& changes) = 0;
};

class OpenFile;  // one open handle on one version; destroying it closes

struct Entry {
  std::uint64_t offset;  // continue behind it with this
  std::string_view name;
  Attributes attributes;
};

// Thread-safe.
class Vfs {
 public:
  struct Parts {
    tree::Tree& tree;
    cache::BlockCache& cache;
    remote::Remote& remote;
    Seams seams;
  };
  [[nodiscard]] static std::unique_ptr<Vfs> create(const Parts& parts, const Options& options);
  virtual ~Vfs() = default;

  // Before the first operation; nullptr: nobody.
  virtual void observe(Observer* observer) = 0;

  // Errors: not_found, stale, not_directory, offline, timed_out, interrupted, …
  virtual void lookup(NodeId parent, std::string_view name, CancelToken interrupt,
                      Reply<Attributes> reply) = 0;
  [[nodiscard]] virtual Result<Attributes> attributes(NodeId node) const = 0;

  virtual void open_directory(NodeId node, CancelToken interrupt, Reply<Attributes> reply) = 0;
  // Entries behind `after` in a stable order, until `entry` returns false. `entry` copies what it needs.
  [[nodiscard]] virtual Result<void> read_directory(NodeId node, std::uint64_t after,
                                                    const std::function<bool(const Entry&)>& entry) const = 0;
  [[nodiscard]] virtual Result<NodeId> parent(NodeId node) const = 0;

  // Fails with stale when another version has the name now: the kernel then looks the name up again (K3).
  virtual void open(NodeId node, CancelToken interrupt, Reply<std::shared_ptr<OpenFile>> reply) = 0;
  virtual void read(const OpenFile& file, std::uint64_t offset, std::size_t length, CancelToken interrupt,
                    cache::ReadDone done) = 0;

  // Names and values under user.nithron (S28); no_data for any other name.
  [[nodiscard]] virtual Result<std::string> attribute(NodeId node, std::string_view name) const = 0;
  [[nodiscard]] static std::vector<std::string> attribute_names();

  [[nodiscard]] virtual Result<Space> space() = 0;
  virtual void forget(NodeId node) = 0;

  // How long the kernel may believe that a name does not exist.
  [[nodiscard]] virtual Nanos negative_lifetime() const = 0;

  [[nodiscard]] virtual std::vector<Problem> problems() const = 0;
  [[nodiscard]] virtual bool busy() const = 0;  // something is being listed or confirmed
  // When the server last confirmed anything; the epoch: not since the start.
  [[nodiscard]] virtual WallTime last_confirmed() const = 0;

  // Fails everything that waits, and returns when nothing of it runs any more. The executors and the remote
  // must still be running.
  virtual void shutdown() = 0;
};

}  // namespace nithronfs::vfs

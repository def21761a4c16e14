// The server as an interface. NithronOS and plain WebDAV stand behind it; tests put fakes and faults there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nithronfs/net/http.hpp"
#include "nithronfs/remote/types.hpp"
#include "nithronfs/util/cancel.hpp"
#include "nithronfs/util/result.hpp"
#include "nithronfs/util/task.hpp"

namespace nithronfs::remote {

struct CallOptions {
  net::Priority priority = net::Priority::foreground;
  Nanos deadline{0};  // zero: the default of the mount
  CancelToken cancel;
};

// Receives a listing while it streams in. Called on the net thread; must not block.
class ListingReceiver {
 public:
  virtual ~ListingReceiver() = default;
  // Flow::stop ends the listing with cancelled; pausing one is not possible and means proceed.
  virtual net::Flow on_entry(Entry entry) = 0;
  // A row that Linux cannot hold or that must not be believed (invariant 10): left out, and worth a problem
  // report.
  virtual void on_refused(std::string_view href, std::string_view reason) = 0;
};

// Receives the bytes of one range in order. Called on the net thread; must not block.
class BytesReceiver {
 public:
  virtual ~BytesReceiver() = default;
  // `offset` is the place of bytes[0] in the file. Only bytes of the expected version arrive here.
  virtual net::Flow on_bytes(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
};

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  // > 0
  [[nodiscard]] std::uint64_t end() const { return offset + length; }
};

// Thread rules: any thread may call; tasks end on the net thread, or at once on the caller's when nothing
// needs sending, or on the disk executor when the login could not be renewed. Paths are relative to the
// share, components separated by '/', no leading or trailing slash,
// "" is the share's root; components are raw names, encoding them is this layer's job. Errors common to all:
// offline, timed_out, cancelled, permission, not_logged_in, server, protocol.
class Remote {
 public:
  virtual ~Remote() = default;

  [[nodiscard]] virtual Task<Result<std::vector<Share>>> shares(CallOptions options) = 0;
  // Asked once per mount and remembered; a server without the question has none.
  [[nodiscard]] virtual Task<Result<Capabilities>> capabilities(CallOptions options) = 0;

  // The entry itself, its `name` empty. Errors: not_found.
  [[nodiscard]] virtual Task<Result<Entry>> stat(std::string share, std::string path,
                                                 CallOptions options) = 0;

  // Members of one directory (Depth 1) to `receiver`, duplicates refused; ends with the directory's own
  // entry. Ok means that the listing was complete and well-formed to its last byte; after any error what was
  // received proves presence of names at most, never absence (R5). Errors: not_found, not_directory,
  // too_large.
  [[nodiscard]] virtual Task<Result<Entry>> list(std::string share, std::string path,
                                                 std::shared_ptr<ListingReceiver> receiver,
                                                 CallOptions options) = 0;

  // Bytes `range` of exactly `version`. Fails with stale when the server has another one, with protocol when
  // it delivers other than announced (S5): fewer or more bytes, another range, another length. Ok means every
  // byte of the range was handed on. A receiver that says stop ends it with cancelled.
  [[nodiscard]] virtual Task<Result<void>> read(std::string share, std::string path, Version version,
                                                ByteRange range, std::shared_ptr<BytesReceiver> receiver,
                                                CallOptions options) = 0;
  // Lets a paused read go on; `receiver` is the one given to read().
  virtual void resume(const std::shared_ptr<BytesReceiver>& receiver) = 0;

  // What statfs tells; not_supported where the server does not say.
  [[nodiscard]] virtual Task<Result<Space>> space(std::string share, CallOptions options) = 0;

  // False where a PUT elsewhere may show through a running GET: then bytes are provisional until the version
  // was seen unchanged in an answer begun after the last of them (R8).
  [[nodiscard]] virtual bool atomic_versions() const = 0;

  // For status: the last call reached the server.
  [[nodiscard]] virtual bool online() const = 0;
  virtual void network_changed() = 0;
};

}  // namespace nithronfs::remote

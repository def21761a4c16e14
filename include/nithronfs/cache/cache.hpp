// Bytes on disk: one sparse file per version of a file, filled as it is read. Knows no names and no kernel.
//
// Life of a byte: asked for by a read, fetched once however many ask (single flight), written to the data
// file as it arrives, answered from there, recorded in the index only after it was flushed.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nithronfs/cache/extents.hpp"
#include "nithronfs/remote/remote.hpp"
#include "nithronfs/store/store.hpp"
#include "nithronfs/util/cancel.hpp"
#include "nithronfs/util/result.hpp"
#include "nithronfs/util/seams.hpp"

namespace nithronfs::cache {

// Names the bytes of one version for ever: another version has another key.
using DataKey = std::array<std::uint8_t, 16>;

struct FileSpec {
  DataKey key{};
  std::uint64_t size = 0;
  std::string version;  // goes into the extended attribute by which a complete file is adopted (K18)
};

// Where the bytes of one version come from. Thread-safe; tasks end on the net thread or at once.
class Source {
 public:
  virtual ~Source() = default;
  // As remote::Remote::read of that version.
  [[nodiscard]] virtual Task<Result<void>> fetch(remote::ByteRange range,
                                                 std::shared_ptr<remote::BytesReceiver> receiver,
                                                 remote::CallOptions options) = 0;
  // False: bytes are provisional until confirm() succeeded after the last of them (R8).
  [[nodiscard]] virtual bool atomic() const = 0;
  // Ok: the server still has this version. Errors: stale, and those of remote::Remote.
  [[nodiscard]] virtual Task<Result<void>> confirm(remote::CallOptions options) = 0;
};

class File;

// Bytes ready to be sent to a reader: a piece of an open data file, or of memory for a small file that is not
// on the disk yet. As long as it lives, the piece stays as it is.
struct Slice {
  std::shared_ptr<const File> file;           // holds the descriptor
  std::shared_ptr<const std::string> memory;  // set: the bytes are here, not in fd
  int fd = -1;
  std::uint64_t offset = 0;
  std::size_t length = 0;  // 0 at the end of the file
  [[nodiscard]] std::string_view bytes_in_memory() const {
    return std::string_view(*memory).substr(static_cast<std::size_t>(offset), length);
  }
};

// Called once, on the calling thread (bytes were here), the net thread or the engine. Must not block.
using ReadDone = std::move_only_function<void(Result<Slice>)>;

// One reader's position and readahead: one per open handle. Opaque; destroying it ends its readahead.
class Stream;

struct CacheOptions {
  std::string directory;  // created when missing, and again when somebody deletes it
  store::Environment& index;
  store::Table first_table;  // BlockCache::table_names() sit from here on in Options::tables
  Seams seams;
  Nanos timeout = std::chrono::seconds(30);           // a waiting read gives up after this
  std::uint64_t max_bytes = std::uint64_t{20} << 30;  // kept below by removing what was used longest ago
  std::uint64_t min_free_bytes = 0;                   // of the file system that holds the directory
};

struct CacheCounters {
  std::uint64_t reads = 0;
  std::uint64_t hits = 0;     // answered without waiting
  std::uint64_t fetches = 0;  // requests to the source
  std::uint64_t bytes_fetched = 0;
  std::uint64_t evicted_files = 0;
};

// Thread-safe. Must outlive its Files and everything in flight: see shutdown().
class BlockCache {
 public:
  [[nodiscard]] static std::vector<std::string> table_names();
  [[nodiscard]] static Result<std::unique_ptr<BlockCache>> open(const CacheOptions& options);
  virtual ~BlockCache() = default;

  // The bytes of one version; everybody who asks for the same key shares one File. Cheap: touches the disk at
  // the first read. `source` of the first caller stays while the File lives.
  [[nodiscard]] virtual std::shared_ptr<File> file(const FileSpec& spec, std::shared_ptr<Source> source) = 0;
  [[nodiscard]] virtual std::shared_ptr<Stream> stream(std::shared_ptr<File> file) = 0;

  // Answers when all of [offset, offset+length), cut at the end of the file, is here. Errors: offline,
  // timed_out, interrupted (`interrupt` fired), stale, no_space, protocol, and the others of
  // remote::Remote::read.
  virtual void read(const std::shared_ptr<Stream>& stream, std::uint64_t offset, std::size_t length,
                    CancelToken interrupt, ReadDone done) = 0;

  // What is here of a version, open or not.
  [[nodiscard]] virtual std::uint64_t cached_bytes(const FileSpec& spec) const = 0;
  // Removes the bytes once nobody has them open.
  virtual void discard(const DataKey& key) = 0;
  [[nodiscard]] virtual std::uint64_t total_bytes() const = 0;
  [[nodiscard]] virtual CacheCounters counters() const = 0;
  [[nodiscard]] virtual bool busy() const = 0;  // something is being fetched

  // Ends all fetches, fails all waiting reads with cancelled, flushes and records what arrived. After it,
  // reads fail with cancelled.
  virtual void shutdown() = 0;
};

}  // namespace nithronfs::cache

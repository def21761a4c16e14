// What the server knows about the files of one share beyond what the file system says: versions (ETags),
// hashes, and the journal of changes behind the feed.
//
// Two kinds exist. In profile full every version is numbered by a write counter, kept in LMDB: the number is
// new whenever (inode, size, mtime, ctime) of a path is new or the server itself wrote the file, and it goes
// along with a rename. In profile stock the ETag is hex(mtime in ns) followed by hex(size), there is no
// journal, and every sequence number is 0.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "share.hpp"

namespace refserver {

struct BlockHash {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::string sha256;  // hex
  std::uint32_t adler32 = 0;
};

struct FileHash {
  std::string etag;  // opaque part, of the version that was hashed
  std::uint64_t size = 0;
  std::uint64_t block_size = 0;
  std::string sha256;  // hex, of the whole file
  std::vector<BlockHash> blocks;
};

class Catalog {
 public:
  // The server's own changes. While a Mutation lives no other one does, and the watcher stands still: check
  // the conditions (If-Match …), make the system call and report it within one, so that the three are one
  // step for everybody else. Do not hold one while bytes are received or copied.
  //
  // Each report returns the change's sequence number, the value of X-Sync-Seq (0: none, send no header).
  // `now` is the status after the change. Report only what succeeded.
  class Mutation {
   public:
    virtual ~Mutation() = default;
    // A file or directory appeared under a free name. For a copied tree report each entry, parents first.
    virtual std::uint64_t created(std::string_view path, const struct stat& now) = 0;
    // A file has new content (whether written in place or replaced by rename): always a new ETag.
    virtual std::uint64_t modified(std::string_view path, const struct stat& now) = 0;
    // The path is gone, with everything below it.
    virtual std::uint64_t removed(std::string_view path) = 0;
    // Moved with everything below it, ETags kept; what the new name held before is gone.
    virtual std::uint64_t renamed(std::string_view from, std::string_view to, const struct stat& now) = 0;
    // The same as Catalog::etag, callable while this mutation is held.
    virtual std::string etag(std::string_view path, const struct stat& now) = 0;
  };

  virtual ~Catalog() = default;

  virtual std::unique_ptr<Mutation> mutate() = 0;

  // The opaque part of the strong ETag (no quotes) of the version that `now` describes; empty for what is
  // not a regular file. `now` should be what fstat said about the descriptor that is being served: when the
  // path meanwhile names another version, the answer is a tag that is valid for nothing else.
  virtual std::string etag(std::string_view path, const struct stat& now) = 0;

  // Reads the file where its hashes are not known yet. errno on failure; EAGAIN when it kept changing.
  virtual OrErrno<FileHash> hash(std::string_view path, std::uint64_t block_size) = 0;
};

}  // namespace refserver

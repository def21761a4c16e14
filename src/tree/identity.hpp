// When two versions are the same, and the numbers that follow from a version: st_ino and the data key.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "nithronfs/remote/types.hpp"
#include "nithronfs/tree/tree.hpp"
#include "nithronfs/util/result.hpp"

struct evp_md_st;
struct evp_md_ctx_st;

namespace nithronfs::tree {

// True when `fresh`, the same version as `known`, has the etag to keep: a strong one in place of a weak one
// (only strong ones are good for If-Match), or one where there was none.
[[nodiscard]] bool better_etag(const remote::ETag& known, const remote::ETag& fresh);

inline constexpr std::uint64_t kRootIno = 1;

struct Identity {
  std::uint64_t ino = 0;  // never 0, which tools take for "deleted", nor kRootIno
  DataKey data_key{};
};

// Computes both from a SHA-256 over where a thing is and, for files, which version it is; so they are the
// same after the index was lost (K1). The bytes that are hashed:
//
//   "nithronfs identity 1", u8 kind ('f' or 'd'), the share id, the path in the share,
//   and for files: the etag without its weak mark, u64 size, i64 mtime seconds, u32 mtime nanoseconds
//
// where strings are preceded by their length as u32 and integers are big-endian. Bytes 0-7 of the digest are
// the ino, bytes 8-23 the data key. Not thread-safe.
class IdentityHasher {
 public:
  // Errors: not_supported, out_of_memory.
  [[nodiscard]] static Result<IdentityHasher> create();

  // `path` of the directory that holds it, and its name there.
  [[nodiscard]] Result<Identity> file(std::string_view share, std::string_view directory_path,
                                      std::string_view name, const remote::Version& version);
  [[nodiscard]] Result<Identity> directory(std::string_view share, std::string_view directory_path,
                                           std::string_view name);

 private:
  struct FreeDigest {
    void operator()(evp_md_st* digest) const;
    void operator()(evp_md_ctx_st* context) const;
  };
  IdentityHasher() = default;
  [[nodiscard]] Result<Identity> digest();
  void start(char kind, std::string_view share, std::string_view directory_path, std::string_view name);

  std::unique_ptr<evp_md_st, FreeDigest> sha256_;
  std::unique_ptr<evp_md_ctx_st, FreeDigest> context_;
  std::string input_;  // reused
};

}  // namespace nithronfs::tree

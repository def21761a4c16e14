// One pass over a file computes all its hashes.
#include "file_hash.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "crypto.hpp"
#include "encoding.hpp"

namespace refserver {
namespace {

constexpr std::size_t read_size = 256 * 1024;

}  // namespace

OrErrno<FileHash> hash_file(int fd, std::uint64_t size, std::uint64_t block_size) {
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  FileHash result{.size = size, .block_size = block_size};
  Sha256 whole;
  Sha256 block_hash;
  BlockHash block;
  std::uint32_t weak = 1;
  std::string buffer(read_size, '\0');
  for (std::uint64_t at = 0; at < size;) {
    std::uint64_t want = std::min({std::uint64_t{read_size}, block_size - block.size, size - at});
    ssize_t got = ::pread(fd, buffer.data(), want, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(errno);
    if (got == 0) return std::unexpected(EAGAIN);
    std::string_view piece(buffer.data(), static_cast<std::size_t>(got));
    whole.update(piece);
    block_hash.update(piece);
    weak = adler32(piece, weak);
    at += piece.size();
    block.size += piece.size();
    if (block.size == block_size || at == size) {
      block.sha256 = hex(block_hash.finish());
      block.adler32 = weak;
      result.blocks.push_back(std::move(block));
      block = BlockHash{.offset = at};
      weak = 1;
    }
  }
  result.sha256 = hex(whole.finish());
  return result;
}

OrErrno<std::string> hash_whole_file(int fd) {
  Sha256 whole;
  std::string buffer(read_size, '\0');
  while (true) {
    ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(errno);
    if (got == 0) return hex(whole.finish());
    whole.update({buffer.data(), static_cast<std::size_t>(got)});
  }
}

}  // namespace refserver

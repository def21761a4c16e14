// Hashes of a file's bytes, whole and per block.
#pragma once

#include <cstdint>
#include <string>

#include "catalog.hpp"

namespace refserver {

// Reads `size` bytes from the start of the file (fewer are EAGAIN: it shrank). The etag is left empty.
OrErrno<FileHash> hash_file(int fd, std::uint64_t size, std::uint64_t block_size);

// SHA-256 (hex) of the whole file, read to its end.
OrErrno<std::string> hash_whole_file(int fd);

}  // namespace refserver

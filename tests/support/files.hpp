// Files as tests handle them: temporary directories, reading, writing, hashing. Failures throw, which fails
// the test that caused them with a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace nithronfs::test {

namespace fs = std::filesystem;

// A directory that is removed with everything in it. What is mounted below it must be unmounted before.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }
  [[nodiscard]] fs::path operator/(std::string_view name) const { return path_ / name; }

 private:
  fs::path path_;
};

[[nodiscard]] std::string read_file(const fs::path& path);
// Empty where there is no such file.
[[nodiscard]] std::string read_file_if_any(const fs::path& path);
// Writes in place: the same inode, when there is one already.
void write_file(const fs::path& path, std::string_view content);
// As careful programs do: a temporary name, then rename. A new inode.
void replace_file(const fs::path& path, std::string_view content);

// The same seed and length give the same bytes, each 64-bit word of them different: a block that is returned
// at a wrong place, or as zeros, does not compare equal.
[[nodiscard]] std::string pattern(std::uint64_t seed, std::size_t length);

[[nodiscard]] std::string sha256(std::string_view bytes);  // hex
// Reads in pieces through `read`, as programs do.
[[nodiscard]] std::string sha256_of_file(const fs::path& path);

// Opens read-only and preads exactly; returns fewer bytes only at the end of the file. `error` receives
// errno.
struct ReadOutcome {
  std::string bytes;
  int error = 0;  // errno of the open or the read that failed
};
[[nodiscard]] ReadOutcome try_read(const fs::path& path, std::uint64_t offset, std::size_t length);
[[nodiscard]] ReadOutcome try_read_all(const fs::path& path);

}  // namespace nithronfs::test

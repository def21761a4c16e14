// Plain system calls behind the file helpers, so that a test knows what it asks of the kernel.
#include "files.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "nithronfs/util/unique_fd.hpp"

namespace nithronfs::test {
namespace {

[[noreturn]] void give_up(const std::string& what, const fs::path& path) {
  throw std::system_error(errno, std::generic_category(), what + " " + path.string());
}

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }
  void add(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  std::string hex() {
    std::array<unsigned char, 32> digest{};
    EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : digest) {
      text += digits[byte >> 4U];
      text += digits[byte & 15U];
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

void write_all(int fd, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    const ssize_t count = ::write(fd, content.data(), content.size());
    if (count < 0) give_up("write", path);
    content.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

TempDir::TempDir() {
  std::string name = (fs::temp_directory_path() / "nithronfs-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) give_up("mkdtemp", name);
  path_ = name;
  // Servers that give up root have to pass through; what is secret in here has a mode of its own.
  fs::permissions(path_, fs::perms(0711));
}

TempDir::~TempDir() {
  std::error_code ignored;  // what cannot be removed is left for the owner of the directory above
  fs::remove_all(path_, ignored);
}

std::string read_file(const fs::path& path) {
  ReadOutcome outcome = try_read_all(path);
  if (outcome.error != 0) {
    errno = outcome.error;
    give_up("read", path);
  }
  return std::move(outcome.bytes);
}

std::string read_file_if_any(const fs::path& path) {
  return fs::exists(path) ? read_file(path) : "";
}

void write_file(const fs::path& path, std::string_view content) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) give_up("create", path);
  write_all(fd.get(), content, path);
}

void replace_file(const fs::path& path, std::string_view content) {
  const fs::path temporary = path.parent_path() / ".replacement";
  write_file(temporary, content);
  fs::rename(temporary, path);
}

std::string pattern(std::uint64_t seed, std::size_t length) {
  std::string bytes(length, '\0');
  std::uint64_t state = seed;
  for (std::size_t at = 0; at < length; at += sizeof state) {
    // splitmix64: a counter through a mixer, so that no two words of a pattern are equal.
    state += 0x9e3779b97f4a7c15U;
    std::uint64_t word = state;
    word = (word ^ (word >> 30U)) * 0xbf58476d1ce4e5b9U;
    word = (word ^ (word >> 27U)) * 0x94d049bb133111ebU;
    word ^= word >> 31U;
    std::memcpy(bytes.data() + at, &word, std::min(sizeof word, length - at));
  }
  return bytes;
}

std::string sha256(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.hex();
}

std::string sha256_of_file(const fs::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) give_up("open", path);
  Sha256 hash;
  std::string buffer(1024 * 1024, '\0');
  for (;;) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0) give_up("read", path);
    if (count == 0) return hash.hex();
    hash.add(std::string_view(buffer).substr(0, static_cast<std::size_t>(count)));
  }
}

ReadOutcome try_read(const fs::path& path, std::uint64_t offset, std::size_t length) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {{}, errno};
  ReadOutcome outcome;
  outcome.bytes.resize(length);
  std::size_t done = 0;
  while (done < length) {
    const ssize_t count =
        ::pread(fd.get(), outcome.bytes.data() + done, length - done, static_cast<off_t>(offset + done));
    if (count < 0) outcome.error = errno;
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  outcome.bytes.resize(done);
  return outcome;
}

ReadOutcome try_read_all(const fs::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {{}, errno};
  ReadOutcome outcome;
  std::string buffer(256 * 1024, '\0');
  for (;;) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0) outcome.error = errno;
    if (count <= 0) return outcome;
    outcome.bytes.append(buffer, 0, static_cast<std::size_t>(count));
  }
}

}  // namespace nithronfs::test

// Things under hidden names: what is being received or copied, and what is being removed. Hidden names are
// never listed, served or reported, so a change appears, or a tree disappears, in one step: a rename.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "../share.hpp"

namespace refserver::dav {

// A name that nobody else has: internal_prefix, a purpose and random digits.
std::string hidden_name(std::string_view purpose);

// A hidden file or tree beside its future place. Removed again unless it was published.
class Temporary {
 public:
  enum class Kind { file, directory };

  // In the directory that holds `path`. errno: ENOENT or ENOTDIR when there is no such directory.
  static OrErrno<Temporary> create_beside(const Share& share, std::string_view path, Kind kind);
  // Hides what is at `path`, which disappears for everybody.
  static OrErrno<Temporary> hide(const Share& share, std::string_view path);

  Temporary(Temporary&&) noexcept = default;
  Temporary& operator=(Temporary&&) = delete;
  ~Temporary();

  int fd() const { return fd_.get(); }               // the file or directory; none for what was hidden
  const std::string& path() const { return path_; }  // a share path like any other, for reaching into it

  int write_all(std::span<const std::byte> bytes);  // errno or 0

  // Renames it to `path`, replacing a file there. errno or 0; then it is no longer a temporary.
  int publish(const Share& share, std::string_view path);

 private:
  Temporary(UniqueFd parent, std::string path) : parent_(std::move(parent)), path_(std::move(path)) {}

  std::string name() const { return std::string(name_of(path_)); }

  UniqueFd parent_;  // none once it was published
  std::string path_;
  UniqueFd fd_;
};

// Removes a file, or a directory with all in it; symlinks are removed, never followed. Stops at the first
// failure: errno or 0.
int remove_tree(int parent_fd, const std::string& name);

}  // namespace refserver::dav

// Reads /proc/self/mountinfo; see proc(5). Fields are separated by blanks, and blanks in them are octal
// escapes.
#include "mount_table.hpp"

#include <fstream>
#include <sstream>
#include <string_view>

namespace nithronfs::fuse {
namespace {

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

std::string unescaped(std::string_view field) {
  std::string out;
  for (std::size_t i = 0; i < field.size(); ++i) {
    const bool escape = field[i] == '\\' && i + 3 < field.size() && is_octal(field[i + 1]) &&
                        is_octal(field[i + 2]) && is_octal(field[i + 3]);
    if (!escape) {
      out += field[i];
      continue;
    }
    out += static_cast<char>((field[i + 1] - '0') * 64 + (field[i + 2] - '0') * 8 + (field[i + 3] - '0'));
    i += 3;
  }
  return out;
}

}  // namespace

std::optional<MountEntry> find_mount(const std::string& mountpoint) {
  std::ifstream table("/proc/self/mountinfo");
  std::optional<MountEntry> found;  // the last line counts: later mounts cover earlier ones
  for (std::string line; std::getline(table, line);) {
    std::istringstream fields(line);
    std::string skipped;
    std::string device;
    std::string point;
    fields >> skipped >> skipped >> device >> skipped >> point;
    if (unescaped(point) != mountpoint) continue;
    while (fields >> skipped && skipped != "-") {  // a varying number of optional fields
    }
    MountEntry entry{.device = device};
    fields >> entry.type >> entry.source;
    entry.source = unescaped(entry.source);
    found = std::move(entry);
  }
  return found;
}

}  // namespace nithronfs::fuse

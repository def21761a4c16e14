// One write per line, so that lines of several threads do not mix.
#include "log.hpp"

#include <unistd.h>

#include <string>

namespace refserver {

void write_log_line(std::string_view line) {
  std::string text = "nithron-refserver: ";
  for (char c : line) {
    // File names may hold anything: control characters would forge lines.
    bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    text += control ? '?' : c;
  }
  text += '\n';
  [[maybe_unused]] auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace refserver

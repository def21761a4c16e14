// Reads single keys while the echo is off: then Ctrl-C is a key as well, and no signal can end the program
// with the terminal left mute.
#include "terminal.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace nithronfs::cli {

namespace {

constexpr char kInterrupt = 0x03;
constexpr char kEndOfInput = 0x04;
constexpr char kKillLine = 0x15;
constexpr std::size_t kMaxLine = 4096;

// Single keys without echo, for as long as it lives.
class KeyMode {
 public:
  explicit KeyMode(int fd) : fd_(fd) {
    if (tcgetattr(fd_, &before_) != 0) return;
    termios keys = before_;
    keys.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
    keys.c_cc[VMIN] = 1;
    keys.c_cc[VTIME] = 0;
    // Flushed: what was typed ahead of the prompt was shown, and is no password.
    active_ = tcsetattr(fd_, TCSAFLUSH, &keys) == 0;
  }
  KeyMode(const KeyMode&) = delete;
  KeyMode& operator=(const KeyMode&) = delete;
  ~KeyMode() {
    if (active_) tcsetattr(fd_, TCSAFLUSH, &before_);
  }
  [[nodiscard]] bool active() const { return active_; }

 private:
  const int fd_;
  termios before_{};
  bool active_ = false;
};

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // the terminal has gone; reading from it will tell
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

// False at the end of input.
bool read_key(int fd, char& key) {
  ssize_t count = 0;
  do {
    count = read(fd, &key, 1);
  } while (count < 0 && errno == EINTR);
  return count == 1;
}

// Removes the last character, which may be of several bytes.
void erase_last(std::string& line) {
  while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xc0) == 0x80) line.pop_back();
  if (!line.empty()) line.pop_back();
}

Result<std::string> read_line(int fd) {
  const auto stopped = fail(Errc::interrupted, "stopped at the prompt; nothing was changed");
  std::string line;
  for (char key = 0; read_key(fd, key);) {
    if (key == '\n' || key == '\r') return line;
    if (key == kInterrupt || (key == kEndOfInput && line.empty())) return stopped;
    if (key == '\b' || key == 0x7f) {
      erase_last(line);
    } else if (key == kKillLine) {
      line.clear();
    } else if (key != kEndOfInput && line.size() < kMaxLine) {
      line += key;
    }
  }
  return stopped;
}

class TtyTerminal final : public Terminal {
 public:
  explicit TtyTerminal(UniqueFd tty) : tty_(std::move(tty)) {}

  bool present() const override { return static_cast<bool>(tty_); }

  Result<std::string> ask(const std::string& prompt, Echo echo) override {
    if (!present()) return fail(Errc::not_supported, "there is no terminal to ask at");
    if (echo == Echo::on) {
      write_all(tty_.get(), prompt);
      return read_line(tty_.get());
    }
    const KeyMode mode(tty_.get());
    if (!mode.active()) return fail(Errc::not_supported, "the terminal cannot hide what is typed");
    write_all(tty_.get(), prompt);
    auto line = read_line(tty_.get());
    write_all(tty_.get(), "\r\n");
    return line;
  }

 private:
  const UniqueFd tty_;
};

}  // namespace

std::unique_ptr<Terminal> make_terminal(UniqueFd tty) {
  return std::make_unique<TtyTerminal>(std::move(tty));
}

std::unique_ptr<Terminal> controlling_terminal() {
  return make_terminal(UniqueFd(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)));
}

}  // namespace nithronfs::cli

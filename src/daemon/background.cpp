// fork, setsid and the pipe between the two.
//
// On the pipe: the byte '+' for a mount that answers, or '-' and the message; end of file without either
// means that the child died.
#include "background.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

namespace nithronfs::daemon {
namespace {

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 512> buffer{};
  while (true) {
    const auto got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

int wait_for_start(int pipe, std::string_view program, int failure_status) {
  const auto report = read_all(pipe);
  if (report.starts_with('+')) return 0;
  const auto message = report.empty()
                           ? std::string_view("the daemon ended before the mount answered; its log says why")
                           : std::string_view(report).substr(1);
  fmt::print(stderr, "{}: {}\n", program, message);
  return failure_status;
}

void detach_from_terminal() {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), fd);
}

}  // namespace

void StartReport::ready() {
  if (!pipe_) return;
  write_all(pipe_.get(), "+");
  pipe_.reset();
  detach_from_terminal();
}

void StartReport::failed(std::string_view message) {
  if (!pipe_) return;
  write_all(pipe_.get(), fmt::format("-{}", message));
  pipe_.reset();
}

Result<Forked> go_to_background(std::string_view program, int failure_status) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(system_error("cannot make a pipe", errno));
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const auto child = ::fork();
  if (child < 0) return fail(system_error("cannot start the daemon", errno));
  if (child == 0) {
    ::setsid();
    if (::chdir("/") != 0) return fail(system_error("chdir /", errno));
    return Forked{.report = StartReport(std::move(write_end))};
  }
  write_end.reset();
  return Forked{
      .parent = true, .exit_status = wait_for_start(read_end.get(), program, failure_status), .report = {}};
}

}  // namespace nithronfs::daemon

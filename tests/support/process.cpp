// fork, exec and pidfds behind ChildProcess.
#include "process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "files.hpp"

namespace nithronfs::test {
namespace {

[[noreturn]] void give_up(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// Everything that the child needs, made before the fork: between fork and exec nothing may allocate, because
// another thread of the test may hold the allocator's lock.
struct Prepared {
  std::vector<std::string> strings;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  std::string program;
};

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  std::string path = "/usr/sbin:/sbin:";  // apache2 is not on everybody's PATH
  if (const char* own = ::getenv("PATH")) path += own;
  std::size_t start = 0;
  while (start <= path.size()) {
    const std::size_t end = std::min(path.find(':', start), path.size());
    std::string candidate = path.substr(start, end - start) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    start = end + 1;
  }
  throw std::runtime_error(name + " is not installed; contrib/setup.sh test brings it");
}

Prepared prepare(const Command& command) {
  Prepared prepared;
  prepared.program = find_program(command.arguments.at(0));
  prepared.strings = command.arguments;
  for (char** variable = ::environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    if (!command.environment.contains(text.substr(0, text.find('=')))) prepared.strings.push_back(text);
  }
  for (const auto& [name, value] : command.environment) prepared.strings.push_back(name + "=" + value);
  for (std::size_t i = 0; i < prepared.strings.size(); ++i) {
    auto& list = i < command.arguments.size() ? prepared.arguments : prepared.environment;
    list.push_back(prepared.strings[i].data());
  }
  prepared.arguments.push_back(nullptr);
  prepared.environment.push_back(nullptr);
  return prepared;
}

UniqueFd open_input(const std::string& text) {
  if (text.empty()) return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) give_up("pipe");
  UniqueFd read_end(ends[0]);
  const UniqueFd write_end(ends[1]);
  if (::write(write_end.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    give_up("write to a pipe");
  }
  return read_end;
}

UniqueFd open_output(const fs::path& path) {
  const char* name = path.empty() ? "/dev/null" : path.c_str();
  UniqueFd fd(::open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd) give_up("open " + path.string());
  return fd;
}

}  // namespace

ChildProcess::ChildProcess(const Command& command) : output_(command.output) {
  Prepared prepared = prepare(command);
  const UniqueFd input = open_input(command.input);
  const UniqueFd output = open_output(command.output);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) give_up("fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::dup2(input.get(), 0);
    ::dup2(output.get(), 1);
    ::dup2(output.get(), 2);
    ::execve(prepared.program.c_str(), prepared.arguments.data(), prepared.environment.data());
    ::_exit(127);
  }
  handle_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!handle_) give_up("pidfd_open");
}

ChildProcess::~ChildProcess() {
  if (handle_) kill();
}

void ChildProcess::signal(int number) const {
  // Through the handle: the id may belong to somebody else once the process has been collected.
  if (!exit_) ::syscall(SYS_pidfd_send_signal, handle_.get(), number, nullptr, 0);
}

std::optional<Exit> ChildProcess::wait(milliseconds limit) {
  if (exit_) return exit_;
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd event{handle_.get(), POLLIN, 0};
    const int ready = ::poll(&event, 1, static_cast<int>(std::max(left, milliseconds(0)).count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return std::nullopt;
    int status = 0;
    if (::waitpid(pid_, &status, 0) != pid_) give_up("waitpid");
    exit_ = WIFSIGNALED(status) ? Exit{-1, WTERMSIG(status)} : Exit{WEXITSTATUS(status), 0};
    return exit_;
  }
}

std::optional<Exit> ChildProcess::terminate(milliseconds limit) {
  signal(SIGTERM);
  return wait(limit);
}

void ChildProcess::kill() {
  signal(SIGKILL);
  // A process in an uninterruptible wait does not end; the test has failed by then, do not hang on it.
  std::ignore = wait(patience);
}

std::optional<std::string> ChildProcess::wait_for_line(std::string_view text, milliseconds limit) {
  std::optional<std::string> found;
  std::ignore = eventually(
      [&] {
        const bool ended = !running();  // asked before reading, so that the last words are not missed
        const std::string all = output();
        const std::size_t at = all.find(text);
        if (at == std::string::npos) return ended;
        const std::size_t end = all.find('\n', at);
        if (end == std::string::npos) return ended;
        const std::size_t start = all.rfind('\n', at);
        const std::size_t begin = start == std::string::npos ? 0 : start + 1;
        found = all.substr(begin, end - begin);
        return true;
      },
      limit);
  return found;
}

std::string ChildProcess::output() const {
  return read_file_if_any(output_);
}

Finished run(Command command, milliseconds limit) {
  const TempDir folder;
  if (command.output.empty()) command.output = folder / "output";
  ChildProcess child(command);
  const std::optional<Exit> exit = child.wait(limit);
  if (!exit) throw std::runtime_error(command.arguments[0] + " did not end in time:\n" + child.output());
  return {*exit, child.output()};
}

std::uint16_t free_port() {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    give_up("bind");
  }
  return ntohs(address.sin_port);
}

}  // namespace nithronfs::test

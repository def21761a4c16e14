// Starts and ends processes, and speaks the first words of a client.
#include "server_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

#include "../src/fd.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the program

namespace refserver::testing {
namespace {

struct Child {
  pid_t pid = -1;
  UniqueFd output;
};

Child spawn(const std::vector<std::string>& arguments, bool both_streams) {
  const char* binary =
      std::getenv("NITHRON_REFSERVER");  // NOLINT(concurrency-mt-unsafe): tests have one thread
  if (binary == nullptr) throw std::runtime_error("NITHRON_REFSERVER has to name the program");
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  UniqueFd reading(pipe[0]);
  UniqueFd writing(pipe[1]);
  std::vector<std::string> texts{binary};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& text : texts) argv.push_back(text.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, writing.get(), STDOUT_FILENO);
  if (both_streams) posix_spawn_file_actions_adddup2(&actions, writing.get(), STDERR_FILENO);
  Child child;
  int failed = ::posix_spawn(&child.pid, binary, &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error("cannot start " + texts[0]);
  child.output = std::move(reading);
  return child;
}

int wait_for(pid_t pid) {
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid) return -1000;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string cookie_value(const Reply& reply, const std::string& name) {
  auto [begin, end] = reply.headers.equal_range("set-cookie");
  for (auto header = begin; header != end; ++header) {
    if (!header->second.starts_with(name + "=")) continue;
    auto value = header->second.substr(name.size() + 1);
    return value.substr(0, value.find(';'));
  }
  return "";
}

}  // namespace

ServerProcess::ServerProcess(const std::vector<std::string>& arguments) {
  auto child = spawn(arguments, false);
  pid_ = child.pid;
  std::string line;
  char c = 0;
  while (::read(child.output.get(), &c, 1) == 1 && c != '\n') line += c;
  constexpr std::string_view prefix = "listening on ";
  if (!line.starts_with(prefix)) {
    stop();
    throw std::runtime_error("the server did not start: " + line);
  }
  url_ = line.substr(prefix.size());
}

ServerProcess::~ServerProcess() {
  stop();
}

int ServerProcess::stop() {
  if (pid_ < 0) return 0;
  ::kill(pid_, SIGTERM);
  return wait_for(std::exchange(pid_, -1));
}

Outcome run_to_the_end(const std::vector<std::string>& arguments) {
  auto child = spawn(arguments, true);
  Outcome outcome;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = ::read(child.output.get(), buffer.data(), buffer.size())) > 0;) {
    outcome.output.append(buffer.data(), static_cast<std::size_t>(got));
  }
  outcome.exit_code = wait_for(child.pid);
  return outcome;
}

Site::Site() {
  std::filesystem::create_directory(share());
}

std::vector<std::string> Site::arguments(const std::vector<std::string>& more) const {
  std::vector<std::string> all{"--listen", "127.0.0.1:0",
                               "--state",  path("state").string(),
                               "--share",  "Docs=" + share().string(),
                               "--user",   "ann:secret",
                               "--user",   "tom:secret:GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::string ApiClient::full_url(const std::string& path) const {
  return path.starts_with('/') ? url_ + path : url_ + "/api/v1/sync/" + path;
}

Reply ApiClient::login(const std::string& user, const std::string& password, const std::string& code) {
  nlohmann::json body{{"username", user}, {"password", password}};
  if (!code.empty()) body["code"] = code;
  auto reply =
      http_.send({"POST", full_url("/api/v1/auth/login"), {"Content-Type: application/json"}, body.dump()});
  session_ = cookie_value(reply, "nos_session");
  csrf_ = cookie_value(reply, "nos_csrf");
  return reply;
}

Reply ApiClient::send_with_session(const std::string& method, const std::string& path,
                                   const std::optional<std::string>& body, bool with_csrf) {
  std::vector<std::string> headers{"Cookie: nos_session=" + session_ + "; nos_csrf=" + csrf_};
  if (with_csrf) headers.push_back("X-CSRF-Token: " + csrf_);
  return http_.send({method, full_url(path), headers, body});
}

Reply ApiClient::register_device(const std::string& name) {
  nlohmann::json body{
      {"device_name", name}, {"device_type", "linux"}, {"os_version", "Debian 12"}, {"client_version", "1"}};
  auto reply = send_with_session("POST", "devices/register", body.dump());
  auto tokens = reply.json();
  if (reply.status == 201) {
    device_id = tokens["device_id"];
    device_token = tokens["device_token"];
    refresh_token = tokens["refresh_token"];
  }
  return reply;
}

void ApiClient::log_in_and_register() {
  if (login("ann", "secret").status != 200) throw std::runtime_error("login failed");
  if (register_device().status != 201) throw std::runtime_error("registration failed");
}

Reply ApiClient::send(const std::string& method, const std::string& path,
                      const std::optional<std::string>& body, std::vector<std::string> headers) {
  headers.push_back("Authorization: Bearer " + device_token);
  headers.emplace_back("Expect:");  // no 100-continue unless a test asks for it
  return http_.send({method, full_url(path), headers, body});
}

}  // namespace refserver::testing

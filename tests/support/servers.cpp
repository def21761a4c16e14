// Starts each server with a configuration, directory and port of its own.
#include "servers.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

namespace nithronfs::test {
namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set; run through meson test");
  return value;
}

// A new port for each try: between free_port() and the server's bind somebody else may have taken it.
constexpr int tries = 5;

void wait_until_it_accepts(ChildProcess& process, std::uint16_t port, const char* name) {
  const bool up = eventually([&] { return accepts_connections(port) || !process.running(); });
  if (!up || !process.running())
    throw std::runtime_error(std::string(name) + " did not start:\n" + process.output());
}

}  // namespace

const Programs& programs() {
  static const Programs all{from_environment("NITHRONFS"), from_environment("NITHRONCTL"),
                            from_environment("NITHRON_REFSERVER")};
  return all;
}

bool accepts_connections(std::uint16_t port) {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

void make_certificate(const fs::path& folder) {
  const Finished made =
      run({.arguments = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                         "/CN=nithronfs test", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                         "-keyout", (folder / "key.pem").string(), "-out", (folder / "cert.pem").string()}});
  if (made.exit != Exit{0, 0}) throw std::runtime_error("openssl failed:\n" + made.output);
}

RefServer::RefServer(const RefServerOptions& options) : options_(options), share_(folder_ / "share") {
  fs::create_directories(share_);
  if (options_.tls) {
    make_certificate(folder_.path());
    certificate_ = folder_ / "cert.pem";
  }
  set_faults("[]");
  start();
}

RefServer::~RefServer() {
  if (process_) std::ignore = process_->terminate(seconds(5));
}

std::string RefServer::url() const {
  return url_via(port_);
}

std::string RefServer::url_via(std::uint16_t port) const {
  return fmt::format("{}://127.0.0.1:{}", options_.tls ? "https" : "http", port);
}

void RefServer::start() {
  Command command;
  command.arguments = {programs().server, "--listen", fmt::format("127.0.0.1:{}", port_), "--state",
                       (folder_ / "state").string(), "--share",
                       fmt::format("share={}{}", share_.string(), options_.read_only ? ":ro" : ""), "--user",
                       fmt::format("{}:{}", user, password), "--profile", options_.profile, "--access-log",
                       (folder_ / "access.log").string(), "--faults", (folder_ / "faults.json").string(),
                       // Tests log in more often than people do.
                       "--login-limit", "1000"};
  if (options_.tls) {
    for (const char* argument : {"--tls-cert", "cert.pem", "--tls-key", "key.pem"}) {
      const bool is_file = std::string_view(argument).ends_with(".pem");
      command.arguments.push_back(is_file ? (folder_ / argument).string() : argument);
    }
  }
  command.arguments.insert(command.arguments.end(), options_.extra.begin(), options_.extra.end());
  command.output = folder_ / fmt::format("server-{}.log", ++starts_);
  process_.emplace(command);
  const std::optional<std::string> line = process_->wait_for_line("listening on ");
  if (!line) throw std::runtime_error("the reference server did not start:\n" + process_->output());
  const std::size_t colon = line->rfind(':');
  std::from_chars(line->data() + colon + 1, line->data() + line->size(), port_);
  if (port_ == 0) throw std::runtime_error("no port in: " + *line);
}

void RefServer::stop() {
  const std::optional<Exit> exit = process_->terminate();
  if (exit != Exit{0, 0}) throw std::runtime_error("the reference server did not stop cleanly:\n" + log());
  process_.reset();
}

std::vector<AccessLine> RefServer::access_log() const {
  std::vector<AccessLine> lines;
  std::istringstream log(read_file_if_any(folder_ / "access.log"));
  for (std::string text; std::getline(log, text);) {
    const auto line = nlohmann::json::parse(text);
    lines.push_back({.method = line.at("method"),
                     .path = line.at("path"),
                     .query = line.at("query"),
                     .range = line.at("range").is_null() ? "" : line.at("range").get<std::string>(),
                     .status = line.at("status")});
  }
  return lines;
}

std::size_t RefServer::count(std::string_view method, std::string_view part) const {
  return static_cast<std::size_t>(std::ranges::count_if(access_log(), [&](const AccessLine& line) {
    return (method.empty() || line.method == method) && line.path.find(part) != std::string::npos;
  }));
}

void RefServer::set_faults(std::string_view rules) const {
  replace_file(folder_ / "faults.json", fmt::format(R"({{"rules":{}}})", rules));
}

ApacheServer::ApacheServer(const fs::path& root) : port_(free_port()) {
  const std::string folder = folder_.path().string();
  for (const char* name : {"locks", "empty"}) fs::create_directories(folder_ / name);
  // Started by root, Apache's workers are somebody else, and write the lock database.
  fs::permissions(folder_ / "locks", fs::perms(0777));
  for (int attempt = 0; attempt < tries; ++attempt) {
    const std::string configuration = fmt::format(
        R"(ServerRoot "{0}"
ServerName 127.0.0.1
Listen 127.0.0.1:{1}
PidFile "{0}/pid"
ErrorLog "{0}/error.log"
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule dav_module /usr/lib/apache2/modules/mod_dav.so
LoadModule dav_fs_module /usr/lib/apache2/modules/mod_dav_fs.so
DavLockDB "{0}/locks/db"
DocumentRoot "{0}/empty"
KeepAlive On
MaxKeepAliveRequests 0
FileETag INode MTime Size
AllowEncodedSlashes NoDecode
Alias /dav "{2}"
<Directory "{2}">
  Dav On
  Require all granted
</Directory>
)",
        folder, port_, root.string());
    write_file(folder_ / "apache.conf", configuration);
    Command command;
    command.arguments = {"apache2", "-f", folder + "/apache.conf", "-D", "FOREGROUND"};
    command.output = folder_ / "output";
    process_.emplace(command);
    if (eventually([&] { return accepts_connections(port_) || !process_->running(); }) && process_->running())
      return;
    port_ = free_port();
  }
  throw std::runtime_error("apache2 did not start:\n" + process_->output() +
                           read_file_if_any(folder_ / "error.log"));
}

ApacheServer::~ApacheServer() {
  // SIGTERM lets it end its workers; SIGKILL would leave them behind.
  if (process_) std::ignore = process_->terminate(seconds(10));
}

RcloneServer::RcloneServer(const fs::path& root) : port_(free_port()) {
  Command command;
  command.arguments = {"rclone",           "serve",  "webdav",
                       root.string(),      "--addr", fmt::format("127.0.0.1:{}", port_),
                       "--dir-cache-time", "0s"};
  command.environment = {{"RCLONE_CONFIG", (folder_ / "rclone.conf").string()},
                         {"XDG_CACHE_HOME", (folder_ / "cache").string()}};
  command.output = folder_ / "output";
  process_.emplace(command);
  wait_until_it_accepts(*process_, port_, "rclone");
}

CaddyServer::CaddyServer(std::uint16_t backend) : port_(free_port()), certificate_(folder_ / "cert.pem") {
  make_certificate(folder_.path());
  const std::string folder = folder_.path().string();
  write_file(folder_ / "Caddyfile", fmt::format(R"({{
  admin off
  auto_https disable_redirects
  storage file_system "{0}/storage"
  skip_install_trust
}}
https://127.0.0.1:{1} {{
  bind 127.0.0.1
  tls "{0}/cert.pem" "{0}/key.pem"
  log {{
    output file "{0}/access.log"
    format json
  }}
  reverse_proxy 127.0.0.1:{2}
}}
)",
                                                folder, port_, backend));
  Command command;
  command.arguments = {"caddy", "run", "--config", folder + "/Caddyfile", "--adapter", "caddyfile"};
  command.environment = {
      {"XDG_DATA_HOME", folder + "/data"}, {"XDG_CONFIG_HOME", folder + "/config"}, {"HOME", folder}};
  command.output = folder_ / "output";
  process_.emplace(command);
  wait_until_it_accepts(*process_, port_, "caddy");
}

std::string CaddyServer::access_log() const {
  return read_file_if_any(folder_ / "access.log");
}

}  // namespace nithronfs::test

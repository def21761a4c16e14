// Servers that tests start on loopback: the reference server, and WebDAV servers that nobody here wrote.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "files.hpp"
#include "process.hpp"

namespace nithronfs::test {

// Paths of the programs under test, from the environment that meson sets (or the build directory's defaults).
struct Programs {
  std::string daemon;
  std::string control;
  std::string server;
};
[[nodiscard]] const Programs& programs();

// One request in the reference server's access log.
struct AccessLine {
  std::string method;
  std::string path;  // as sent
  std::string query;
  std::string range;  // empty: none
  int status = 0;     // 0: no answer was given
};

struct RefServerOptions {
  std::string profile = "full";  // or "stock"
  bool tls = false;              // with a certificate of its own
  bool read_only = false;
  std::vector<std::string> extra;  // further arguments
};

// The reference server over one share named "share". Its tree is `share()`; its account is user/password.
class RefServer {
 public:
  explicit RefServer(const RefServerOptions& options = {});
  ~RefServer();
  RefServer(const RefServer&) = delete;
  RefServer& operator=(const RefServer&) = delete;

  [[nodiscard]] const fs::path& share() const { return share_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const;  // http(s)://127.0.0.1:PORT
  // The same server as seen through another port, that of a proxy.
  [[nodiscard]] std::string url_via(std::uint16_t port) const;
  [[nodiscard]] const fs::path& certificate() const { return certificate_; }  // PEM; with tls only
  [[nodiscard]] std::string log() const { return process_->output(); }

  static constexpr const char* user = "tester";
  static constexpr const char* password = "correct horse";

  // All requests so far. Whoever has seen an answer finds its line.
  [[nodiscard]] std::vector<AccessLine> access_log() const;
  // Requests of `method` ("" for all) whose path contains `part`.
  [[nodiscard]] std::size_t count(std::string_view method, std::string_view part = "") const;
  // Rules of the server's fault script, a JSON array; "[]" heals. Takes effect with the next request.
  void set_faults(std::string_view rules) const;

  // A clean stop and a new start over the same state, on the same port.
  void stop();
  void start();

 private:
  RefServerOptions options_;
  TempDir folder_;
  fs::path share_;
  fs::path certificate_;
  std::uint16_t port_ = 0;
  unsigned starts_ = 0;
  std::optional<ChildProcess> process_;
};

// A certificate for 127.0.0.1 and localhost, made by openssl, in `folder`: cert.pem and key.pem.
void make_certificate(const fs::path& folder);

// Apache's mod_dav over `root`, in a process group and directory of its own. URL: http://127.0.0.1:PORT/dav
class ApacheServer {
 public:
  explicit ApacheServer(const fs::path& root);
  ~ApacheServer();
  ApacheServer(const ApacheServer&) = delete;
  ApacheServer& operator=(const ApacheServer&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  TempDir folder_;
  std::uint16_t port_;
  std::optional<ChildProcess> process_;
};

// `rclone serve webdav` over `root`. URL: http://127.0.0.1:PORT/
class RcloneServer {
 public:
  explicit RcloneServer(const fs::path& root);
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  TempDir folder_;
  std::uint16_t port_;
  std::optional<ChildProcess> process_;
};

// Caddy as NithronOS has it in front of the server: TLS 1.3 and HTTP/2, proxying to 127.0.0.1:`backend`.
class CaddyServer {
 public:
  explicit CaddyServer(std::uint16_t backend);
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] const fs::path& certificate() const { return certificate_; }
  // One JSON object for each request, as logged by Caddy.
  [[nodiscard]] std::string access_log() const;

 private:
  TempDir folder_;
  std::uint16_t port_;
  fs::path certificate_;
  std::optional<ChildProcess> process_;
};

// True when something accepts connections on that port of 127.0.0.1.
[[nodiscard]] bool accepts_connections(std::uint16_t port);

}  // namespace nithronfs::test

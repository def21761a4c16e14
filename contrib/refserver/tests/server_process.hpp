// The real program, started on a free port of the loopback, with a share and two accounts; and a client that
// has logged in and registered.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "http_client.hpp"
#include "temp_dir.hpp"

namespace refserver::testing {

class ServerProcess {
 public:
  // Starts the program with these arguments and waits for its line; throws where it says none.
  explicit ServerProcess(const std::vector<std::string>& arguments);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const std::string& url() const { return url_; }
  int stop();  // SIGTERM; the exit code, or minus the signal that ended it

 private:
  pid_t pid_ = -1;
  std::string url_;
};

// What a run of the program that ends by itself left behind.
struct Outcome {
  int exit_code = 0;
  std::string output;  // of both streams
};
Outcome run_to_the_end(const std::vector<std::string>& arguments);

// Directories for one server, and its usual arguments: share "Docs", users ann:secret and
// tom:secret:GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ.
class Site {
 public:
  Site();
  std::filesystem::path share() const { return dir_ / "share"; }
  std::filesystem::path file(std::string_view name) const { return share() / name; }
  std::filesystem::path path(std::string_view name) const { return dir_ / name; }
  std::vector<std::string> arguments(const std::vector<std::string>& more = {}) const;

 private:
  TempDir dir_;
};

// An HTTP client with an account on a server.
class ApiClient {
 public:
  explicit ApiClient(std::string url) : url_(std::move(url)) {}

  Reply login(const std::string& user, const std::string& password, const std::string& code = "");
  Reply register_device(const std::string& name = "laptop");  // with the session of the last login
  void log_in_and_register();                                 // as ann; throws on failure

  // With the device token. The path is below /api/v1/sync/ unless it starts with '/'.
  Reply get(const std::string& path) { return send("GET", path); }
  Reply send(const std::string& method, const std::string& path, const std::optional<std::string>& body = {},
             std::vector<std::string> headers = {});
  Reply send_json(const std::string& method, const std::string& path, const nlohmann::json& body,
                  std::vector<std::string> headers = {}) {
    return send(method, path, body.dump(), std::move(headers));
  }
  // With the session's cookies, and the CSRF token unless told otherwise.
  Reply send_with_session(const std::string& method, const std::string& path,
                          const std::optional<std::string>& body, bool with_csrf = true);

  HttpClient& http() { return http_; }
  std::string device_token;
  std::string refresh_token;
  std::string device_id;

 private:
  std::string full_url(const std::string& path) const;
  std::string url_;
  HttpClient http_;
  std::string session_;
  std::string csrf_;
};

}  // namespace refserver::testing

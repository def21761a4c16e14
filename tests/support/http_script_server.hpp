// An HTTP server that does exactly what a test says, right or wrong: it answers from a function of the
// test's, byte by byte if need be, and remembers what it was asked.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace nithronfs::testing {

using Headers = std::vector<std::pair<std::string, std::string>>;

// A door that a test opens; an answer can wait in front of it. Thread-safe.
class Gate {
 public:
  void open();
  [[nodiscard]] bool is_open() const;
  // False when `timeout` passed first.
  [[nodiscard]] bool wait(std::chrono::milliseconds timeout) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable opened_;
  bool open_ = false;
};

struct ScriptRequest {
  std::string method;
  std::string target;  // as on the wire
  Headers headers;
  std::string body;
  unsigned connection = 0;  // counts from 1
  // The first header of that name, case-insensitive; empty when there is none.
  [[nodiscard]] std::string header(std::string_view name) const;
};

// What the server does about one request: steps, in order. After the last one the connection waits for the
// next request, unless a step has ended it.
class ScriptReply {
 public:
  // A well-formed answer with Content-Length.
  static ScriptReply status(int code, std::string body = {}, const Headers& headers = {});
  static ScriptReply ok(std::string body = {}, const Headers& headers = {}) {
    return status(200, std::move(body), headers);
  }
  // Raw bytes, no head added.
  static ScriptReply raw(std::string bytes) { return ScriptReply().then_send(std::move(bytes)); }
  static ScriptReply silent() { return ScriptReply().then_silence(); }

  ScriptReply& then_send(std::string bytes);
  // Sends `piece` again and again until the client ends the connection.
  ScriptReply& then_repeat(std::string piece);
  ScriptReply& then_wait_for(std::shared_ptr<Gate> gate);
  ScriptReply& then_close();    // FIN
  ScriptReply& then_reset();    // RST
  ScriptReply& then_silence();  // says nothing until the client ends the connection

 private:
  friend class HttpScriptServer;
  struct Send {
    std::string bytes;
  };
  struct Repeat {
    std::string piece;
  };
  struct Wait {
    std::shared_ptr<Gate> gate;
  };
  struct Close {};
  struct Reset {};
  struct Silence {};
  using Step = std::variant<Send, Repeat, Wait, Close, Reset, Silence>;
  std::vector<Step> steps_;
};

struct TlsIdentity {
  std::string certificate_pem;  // self-signed, for localhost and 127.0.0.1
  std::string key_pem;
  std::string public_key_pin;  // "sha256//BASE64"
  [[nodiscard]] static TlsIdentity generate();
};

class HttpScriptServer {
 public:
  // Called from the threads of connections, several at a time.
  using Handler = std::function<ScriptReply(const ScriptRequest&)>;
  struct Options {
    std::optional<TlsIdentity> tls = std::nullopt;
    bool only_tls12 = false;
  };

  // Listens on a free port of 127.0.0.1. Throws std::runtime_error when that is not possible.
  explicit HttpScriptServer(Handler handler) : HttpScriptServer(std::move(handler), Options{}) {}
  HttpScriptServer(Handler handler, Options options);
  // Ends all connections, whatever they wait for.
  ~HttpScriptServer();
  HttpScriptServer(const HttpScriptServer&) = delete;
  HttpScriptServer& operator=(const HttpScriptServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // "http://127.0.0.1:PORT" or https, followed by `target`.
  [[nodiscard]] std::string url(std::string_view target = "") const;

  // All requests so far, in the order in which they were complete.
  [[nodiscard]] std::vector<ScriptRequest> requests() const;
  [[nodiscard]] std::size_t request_count() const;
  [[nodiscard]] unsigned connection_count() const;
  // False when `timeout` passed first.
  [[nodiscard]] bool wait_for_requests(std::size_t count, std::chrono::milliseconds timeout) const;

 private:
  class Connection;
  class Tls;
  enum class Fate { goes_on, ended };

  void accept_connections();
  void serve(Connection& connection);
  [[nodiscard]] Fate play(Connection& connection, const ScriptReply& reply) const;
  void record(const ScriptRequest& request);

  const Handler handler_;
  std::unique_ptr<Tls> tls_;
  int listener_ = -1;
  int stop_event_ = -1;  // readable once the server stops
  std::uint16_t port_ = 0;

  mutable std::mutex mutex_;
  mutable std::condition_variable arrived_;
  std::vector<ScriptRequest> requests_;  // guarded by mutex_
  unsigned connections_ = 0;             // guarded by mutex_
  std::vector<std::thread> workers_;     // guarded by mutex_
  std::thread acceptor_;
};

}  // namespace nithronfs::testing

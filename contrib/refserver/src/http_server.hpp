// The HTTP/1.1 server: moves bytes between sockets and exchanges. The only door to libmicrohttpd.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http.hpp"

namespace refserver {

struct TlsIdentity {
  std::string certificate_pem;
  std::string key_pem;
};

struct HttpSettings {
  std::string address = "127.0.0.1";  // numeric; IPv6 without brackets
  std::uint16_t port = 0;             // 0: any free one
  std::optional<TlsIdentity> tls;     // TLS 1.3 only
  unsigned connection_limit = 1000;
  unsigned idle_seconds = 180;  // a connection without traffic is closed after that
  // Bounds request line and headers of one request (plus the piece of the body in transit).
  std::size_t connection_memory = 160 * 1024;
};

// Called on the connection's thread, before the body of the request is read. May be called by many threads.
using Handler = std::function<std::unique_ptr<Exchange>(const Request&)>;

class HttpServer {
 public:
  static std::expected<std::unique_ptr<HttpServer>, std::string> start(const HttpSettings& settings,
                                                                       Handler handler);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();  // closes all connections and waits for their handlers, which must not be blocked by then

  std::uint16_t port() const;
  std::string url() const;  // "http://127.0.0.1:8080"

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace refserver

// A thread per connection, so that one that hangs or drips, as told, holds up no other.
#include "support/http_script_server.hpp"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "support/tls_handles.hpp"

namespace nithronfs::testing {
namespace {

[[noreturn]] void throw_errno(const char* what) {
  throw std::runtime_error(std::string(what) + ": " + std::generic_category().message(errno));
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

const char* reason_of(int code) {
  return code < 300 ? "Fine" : "Otherwise";
}

}  // namespace

// --- Gate -------------------------------------------------------------------------------------------------

void Gate::open() {
  const std::lock_guard lock(mutex_);
  open_ = true;
  opened_.notify_all();
}

bool Gate::is_open() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

bool Gate::wait(std::chrono::milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  return opened_.wait_for(lock, timeout, [this] { return open_; });
}

// --- requests and replies ---------------------------------------------------------------------------------

std::string ScriptRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return value;
  }
  return {};
}

ScriptReply ScriptReply::status(int code, std::string body, const Headers& headers) {
  std::string bytes = "HTTP/1.1 " + std::to_string(code) + " " + reason_of(code) + "\r\n";
  bool has_length = false;
  for (const auto& [name, value] : headers) {
    bytes += name + ": " + value + "\r\n";
    has_length = has_length || same_name(name, "Content-Length");
  }
  if (!has_length && code != 204 && code != 304) {
    bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return raw(bytes + "\r\n" + body);
}

ScriptReply& ScriptReply::then_send(std::string bytes) {
  steps_.emplace_back(Send{std::move(bytes)});
  return *this;
}
ScriptReply& ScriptReply::then_repeat(std::string piece) {
  steps_.emplace_back(Repeat{std::move(piece)});
  return *this;
}
ScriptReply& ScriptReply::then_wait_for(std::shared_ptr<Gate> gate) {
  steps_.emplace_back(Wait{std::move(gate)});
  return *this;
}
ScriptReply& ScriptReply::then_close() {
  steps_.emplace_back(Close{});
  return *this;
}
ScriptReply& ScriptReply::then_reset() {
  steps_.emplace_back(Reset{});
  return *this;
}
ScriptReply& ScriptReply::then_silence() {
  steps_.emplace_back(Silence{});
  return *this;
}

// --- TLS --------------------------------------------------------------------------------------------------

class HttpScriptServer::Tls {
 public:
  Tls(const TlsIdentity& identity, bool only_tls12) : context_(SSL_CTX_new(TLS_server_method())) {
    const X509Handle certificate = read_certificate(identity.certificate_pem);
    const KeyHandle key = read_key(identity.key_pem);
    if (!context_ || SSL_CTX_use_certificate(context_.get(), certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context_.get(), key.get()) != 1) {
      throw std::runtime_error("cannot set up TLS");
    }
    if (only_tls12) SSL_CTX_set_max_proto_version(context_.get(), TLS1_2_VERSION);
  }
  [[nodiscard]] SslHandle new_connection(int fd) const {
    SslHandle ssl(SSL_new(context_.get()));
    if (ssl) SSL_set_fd(ssl.get(), fd);
    return ssl;
  }

 private:
  SslContextHandle context_;
};

// --- one connection ---------------------------------------------------------------------------------------

// A socket whose waits end when the server stops.
class HttpScriptServer::Connection {
 public:
  Connection(int fd, int stop_event, unsigned number, const Tls* tls)
      : fd_(fd), stop_event_(stop_event), number_(number) {
    if (tls != nullptr) ssl_ = tls->new_connection(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(fd_); }

  // False: no TLS connection came about.
  [[nodiscard]] bool shake_hands() {
    if (!ssl_) return true;
    while (true) {
      const int result = SSL_accept(ssl_.get());
      if (result == 1) return true;
      if (!wait_for_tls(result)) return false;
    }
  }

  // Nothing when the client has ended the connection, or the server stops.
  [[nodiscard]] std::optional<ScriptRequest> read_request() {
    std::size_t head_end = 0;
    while ((head_end = input_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) return std::nullopt;
    }
    ScriptRequest request = parse_head(input_.substr(0, head_end));
    input_.erase(0, head_end + 4);
    const std::string length = request.header("Content-Length");
    const std::size_t body_size = length.empty() ? 0 : std::strtoul(length.c_str(), nullptr, 10);
    if (same_name(request.header("Expect"), "100-continue") && !write("HTTP/1.1 100 Continue\r\n\r\n")) {
      return std::nullopt;
    }
    while (input_.size() < body_size) {
      if (!read_more()) return std::nullopt;
    }
    request.body = input_.substr(0, body_size);
    input_.erase(0, body_size);
    request.connection = number_;
    return request;
  }

  // False when the connection is over.
  [[nodiscard]] bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto count = write_some(bytes);
      if (count < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  // Until the client ends the connection, or the server stops.
  void wait_for_end() {
    while (read_more()) input_.clear();
  }
  // Until the gate opens. False when the connection ended first.
  [[nodiscard]] bool wait_for(const Gate& gate) {
    // Gates have no descriptor: look again at short intervals, which bounds the delay, not the correctness.
    while (!gate.wait(std::chrono::milliseconds(20))) {
      pollfd stop{.fd = stop_event_, .events = POLLIN, .revents = 0};
      if (poll(&stop, 1, 0) != 0) return false;
    }
    return true;
  }
  void reset() {
    const linger abort{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  }

 private:
  [[nodiscard]] static ScriptRequest parse_head(std::string_view head) {
    ScriptRequest request;
    std::string_view line = head.substr(0, head.find("\r\n"));
    request.method = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(line.size(), request.method.size() + 1));
    request.target = line.substr(0, line.find(' '));
    std::size_t position = head.find("\r\n");
    while (position != std::string_view::npos) {
      head.remove_prefix(position + 2);
      position = head.find("\r\n");
      const std::string_view field = head.substr(0, position);
      const auto colon = field.find(':');
      if (colon == std::string_view::npos) continue;
      std::string_view value = field.substr(colon + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      request.headers.emplace_back(field.substr(0, colon), value);
    }
    return request;
  }

  // False when the server stops.
  [[nodiscard]] bool wait_ready(short events) const {
    std::array<pollfd, 2> fds{pollfd{.fd = fd_, .events = events, .revents = 0},
                              pollfd{.fd = stop_event_, .events = POLLIN, .revents = 0}};
    while (poll(fds.data(), fds.size(), -1) < 0 && errno == EINTR) {
    }
    return fds[1].revents == 0;
  }
  [[nodiscard]] bool wait_for_tls(int result) const {
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return wait_ready(POLLIN);
      case SSL_ERROR_WANT_WRITE:
        return wait_ready(POLLOUT);
      default:
        return false;
    }
  }

  [[nodiscard]] bool read_more() {
    std::array<char, 16384> buffer;
    while (true) {
      if (ssl_) {
        const int count = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
        if (count > 0) {
          input_.append(buffer.data(), static_cast<std::size_t>(count));
          return true;
        }
        if (!wait_for_tls(count)) return false;
        continue;
      }
      const ssize_t count = recv(fd_, buffer.data(), buffer.size(), 0);
      if (count > 0) {
        input_.append(buffer.data(), static_cast<std::size_t>(count));
        return true;
      }
      if (count == 0 || (errno != EAGAIN && errno != EINTR)) return false;
      if (!wait_ready(POLLIN)) return false;
    }
  }

  [[nodiscard]] ssize_t write_some(std::string_view bytes) {
    while (true) {
      if (ssl_) {
        const int size = static_cast<int>(std::min<std::size_t>(bytes.size(), 16384));
        const int count = SSL_write(ssl_.get(), bytes.data(), size);
        if (count > 0) return count;
        if (!wait_for_tls(count)) return -1;
        continue;
      }
      const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count >= 0) return count;
      if (errno != EAGAIN && errno != EINTR) return -1;
      if (!wait_ready(POLLOUT)) return -1;
    }
  }

  const int fd_;
  const int stop_event_;
  const unsigned number_;
  SslHandle ssl_;
  std::string input_;
};

// --- the server -------------------------------------------------------------------------------------------

HttpScriptServer::HttpScriptServer(Handler handler, Options options) : handler_(std::move(handler)) {
  if (options.tls) tls_ = std::make_unique<Tls>(*options.tls, options.only_tls12);
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  stop_event_ = eventfd(0, EFD_CLOEXEC);
  if (listener_ < 0 || stop_event_ < 0) throw_errno("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), length) != 0 ||
      listen(listener_, 64) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw_errno("listen");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_connections(); });
}

HttpScriptServer::~HttpScriptServer() {
  (void)eventfd_write(stop_event_, 1);
  acceptor_.join();
  // The acceptor is gone: nobody adds workers any more.
  for (std::thread& worker : workers_) worker.join();
  ::close(listener_);
  ::close(stop_event_);
}

std::string HttpScriptServer::url(std::string_view target) const {
  return (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_) + std::string(target);
}

void HttpScriptServer::accept_connections() {
  // OpenSSL writes without MSG_NOSIGNAL; the threads of connections inherit this.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  while (true) {
    std::array<pollfd, 2> fds{pollfd{.fd = listener_, .events = POLLIN, .revents = 0},
                              pollfd{.fd = stop_event_, .events = POLLIN, .revents = 0}};
    if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
    if (fds[1].revents != 0) return;
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) continue;
    const std::lock_guard lock(mutex_);
    const unsigned number = ++connections_;
    workers_.emplace_back([this, fd, number] {
      Connection connection(fd, stop_event_, number, tls_.get());
      serve(connection);
    });
  }
}

void HttpScriptServer::serve(Connection& connection) {
  if (!connection.shake_hands()) return;
  while (const auto request = connection.read_request()) {
    record(*request);
    if (play(connection, handler_(*request)) == Fate::ended) return;
  }
}

HttpScriptServer::Fate HttpScriptServer::play(Connection& connection, const ScriptReply& reply) const {
  for (const ScriptReply::Step& step : reply.steps_) {
    if (const auto* send = std::get_if<ScriptReply::Send>(&step)) {
      if (!connection.write(send->bytes)) return Fate::ended;
    } else if (const auto* repeat = std::get_if<ScriptReply::Repeat>(&step)) {
      while (connection.write(repeat->piece)) {
      }
      return Fate::ended;
    } else if (const auto* wait = std::get_if<ScriptReply::Wait>(&step)) {
      if (!connection.wait_for(*wait->gate)) return Fate::ended;
    } else if (std::holds_alternative<ScriptReply::Silence>(step)) {
      connection.wait_for_end();
      return Fate::ended;
    } else {
      if (std::holds_alternative<ScriptReply::Reset>(step)) connection.reset();
      return Fate::ended;
    }
  }
  return Fate::goes_on;
}

void HttpScriptServer::record(const ScriptRequest& request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
  arrived_.notify_all();
}

std::vector<ScriptRequest> HttpScriptServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t HttpScriptServer::request_count() const {
  const std::lock_guard lock(mutex_);
  return requests_.size();
}

unsigned HttpScriptServer::connection_count() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

bool HttpScriptServer::wait_for_requests(std::size_t count, std::chrono::milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  return arrived_.wait_for(lock, timeout, [this, count] { return requests_.size() >= count; });
}

}  // namespace nithronfs::testing

// Drives exchanges from libmicrohttpd's callbacks. Each connection has a thread, so all state of a request
// lives in one Call object that needs no lock.
#include "http_server.hpp"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <exception>

#include <fmt/format.h>

#include "listener.hpp"
#include "log.hpp"
#include "send_guard.hpp"

namespace refserver {
namespace {

// A body nobody wants is still read up to this size, because closing with unread bytes would reset the
// connection and the client might never see the answer.
constexpr std::uint64_t drain_limit = 8 * 1024 * 1024;
constexpr std::size_t stream_block = 64 * 1024;
constexpr std::size_t thread_stack = 512 * 1024;

struct ResponseDeleter {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};
using ResponsePtr = std::unique_ptr<MHD_Response, ResponseDeleter>;

// libmicrohttpd hands out the undecoded target only before it parses the request, on the same thread.
thread_local std::string current_target;

struct Call {
  std::string method;
  std::unique_ptr<Exchange> exchange;
  std::optional<Response> early;  // given before the body, sent after it was drained
  bool dropping = false;
  std::uint64_t dropped = 0;
  SendGuard::Ticket sending;
};

int socket_of(MHD_Connection* connection) {
  const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info == nullptr ? -1 : info->connect_fd;
}

// From here on closing the socket sends a reset.
void reset_on_close(MHD_Connection* connection) {
  struct linger hard{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_of(connection), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

std::string client_address(MHD_Connection* connection) {
  const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  if (info == nullptr || info->client_addr == nullptr) return "unknown";
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* raw = nullptr;
  if (info->client_addr->sa_family == AF_INET) {
    raw = &reinterpret_cast<const sockaddr_in*>(info->client_addr)->sin_addr;
  } else if (info->client_addr->sa_family == AF_INET6) {
    raw = &reinterpret_cast<const sockaddr_in6*>(info->client_addr)->sin6_addr;
  }
  if (raw == nullptr || inet_ntop(info->client_addr->sa_family, raw, text.data(), text.size()) == nullptr) {
    return "unknown";
  }
  return text.data();
}

std::string form_decode(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return percent_decode(spaced).value_or(spaced);
}

void parse_query(Request& request) {
  std::string_view rest = request.query;
  while (!rest.empty()) {
    auto end = rest.find('&');
    auto pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (pair.empty()) continue;
    auto equals = pair.find('=');
    auto value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    request.parameters.emplace_back(form_decode(pair.substr(0, equals)), form_decode(value));
  }
}

MHD_Result collect_header(void* cls, MHD_ValueKind, const char* key, const char* value) {
  static_cast<Headers*>(cls)->add(key, value == nullptr ? "" : value);
  return MHD_YES;
}

Request read_request(MHD_Connection* connection, const char* method, bool tls) {
  Request request;
  request.method = method;
  request.tls = tls;
  std::string_view target = current_target;
  // Absolute form (RFC 9112, 3.2.2): what names the server is of no interest here.
  if (auto scheme = target.find("://"); !target.starts_with('/') && scheme != std::string_view::npos) {
    auto slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  auto question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  parse_query(request);
  MHD_get_connection_values(connection, MHD_HEADER_KIND, collect_header, &request.headers);
  request.client_address = client_address(connection);
  if (auto length = request.headers.get("Content-Length")) {
    std::uint64_t value = 0;
    std::from_chars(length->data(), length->data() + length->size(), value);  // checked by the library
    request.content_length = value;
  } else if (request.headers.has("Transfer-Encoding")) {
    request.content_length = std::nullopt;
  }
  return request;
}

// --- Bodies -------------------------------------------------------------------------------------------

struct StreamState {
  StreamBody source;
  std::string chunk;
  std::size_t taken = 0;
  StreamBody::Step step = StreamBody::Step::more;
  std::optional<std::uint64_t> cut_in;  // bytes still to send before breaking off
  bool reset = false;
  MHD_Connection* connection = nullptr;
};

ssize_t break_off(StreamState& state) {
  if (state.reset) reset_on_close(state.connection);
  return MHD_CONTENT_READER_END_WITH_ERROR;
}

ssize_t read_stream_unguarded(StreamState& state, std::span<char> out) {
  if (state.cut_in && *state.cut_in == 0) return break_off(state);
  while (state.taken == state.chunk.size()) {
    if (state.step == StreamBody::Step::end) {
      return state.cut_in ? break_off(state) : ssize_t{MHD_CONTENT_READER_END_OF_STREAM};
    }
    if (state.step == StreamBody::Step::broken) return break_off(state);
    state.chunk.clear();
    state.taken = 0;
    state.step = state.source.next(state.chunk);
  }
  std::size_t size = std::min(out.size(), state.chunk.size() - state.taken);
  if (state.cut_in) size = static_cast<std::size_t>(std::min<std::uint64_t>(size, *state.cut_in));
  std::memcpy(out.data(), state.chunk.data() + state.taken, size);
  state.taken += size;
  if (state.cut_in) *state.cut_in -= size;
  return static_cast<ssize_t>(size);
}

ssize_t read_stream(void* cls, std::uint64_t, char* buffer, std::size_t capacity) {
  auto& state = *static_cast<StreamState*>(cls);
  try {
    return read_stream_unguarded(state, {buffer, capacity});
  } catch (const std::exception& error) {
    log("while sending a body: {}", error.what());
    return MHD_CONTENT_READER_END_WITH_ERROR;
  }
}

void free_stream(void* cls) {
  delete static_cast<StreamState*>(cls);
}

void free_string(void* cls) {
  delete static_cast<std::string*>(cls);
}

StreamBody stream_of(std::string text) {
  return {[text = std::move(text)](std::string& chunk) {
    chunk = text;
    return StreamBody::Step::end;
  }};
}

StreamBody stream_of(FileBody file) {
  auto shared = std::make_shared<FileBody>(std::move(file));
  return {[shared](std::string& chunk) {
    chunk.resize(std::min<std::uint64_t>(stream_block, shared->length));
    if (chunk.empty()) return StreamBody::Step::end;
    ssize_t got = ::pread(shared->fd.get(), chunk.data(), chunk.size(), static_cast<off_t>(shared->offset));
    if (got <= 0) return StreamBody::Step::broken;
    chunk.resize(static_cast<std::size_t>(got));
    shared->offset += chunk.size();
    shared->length -= chunk.size();
    return shared->length == 0 ? StreamBody::Step::end : StreamBody::Step::more;
  }};
}

std::optional<std::uint64_t> known_length(const Response& response) {
  if (const auto* text = std::get_if<std::string>(&response.body)) return text->size();
  if (const auto* file = std::get_if<FileBody>(&response.body)) return file->length;
  auto header = response.headers.get("Content-Length");
  if (!header) return std::nullopt;
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(header->data(), header->data() + header->size(), value);
  if (error != std::errc() || end != header->data() + header->size()) return std::nullopt;
  return value;
}

ResponsePtr make_stream(StreamBody source, std::optional<std::uint64_t> length, const WireFault& fault,
                        MHD_Connection* connection) {
  auto state = std::make_unique<StreamState>();
  state->source = std::move(source);
  state->cut_in = fault.cut_after;
  state->reset = fault.reset;
  state->connection = connection;
  auto* raw = state.release();  // libmicrohttpd frees it, also when creation fails below
  ResponsePtr response(MHD_create_response_from_callback(length.value_or(MHD_SIZE_UNKNOWN), stream_block,
                                                         read_stream, raw, free_stream));
  if (!response) free_stream(raw);
  return response;
}

ResponsePtr make_faulty(Response& response, MHD_Connection* connection) {
  auto fault = *response.wire_fault;
  auto real = known_length(response);
  if (fault.announce && !fault.cut_after) {
    // A claim longer than the body ends early; a shorter one sends more than it said.
    auto* text = std::get_if<std::string>(&response.body);
    if (text != nullptr && *fault.announce < text->size()) {
      auto* owned = new std::string(std::move(*text));
      ResponsePtr made(MHD_create_response_from_buffer_with_free_callback_cls(owned->size(), owned->data(),
                                                                              free_string, owned));
      if (!made) {
        free_string(owned);
        return made;
      }
      MHD_set_response_options(made.get(), MHD_RF_INSANITY_HEADER_CONTENT_LENGTH, MHD_RO_END);
      MHD_add_response_header(made.get(), "Content-Length", fmt::format("{}", *fault.announce).c_str());
      return made;
    }
  }
  auto length = fault.announce ? fault.announce : real;
  if (length && !fault.cut_after && real && *length > *real) fault.cut_after = real;
  StreamBody source = std::visit(
      [](auto& body) -> StreamBody {
        if constexpr (std::is_same_v<std::decay_t<decltype(body)>, StreamBody>)
          return std::move(body);
        else
          return stream_of(std::move(body));
      },
      response.body);
  return make_stream(std::move(source), length, fault, connection);
}

ResponsePtr make_body(Response& response, MHD_Connection* connection) {
  if (response.wire_fault) return make_faulty(response, connection);
  if (auto* text = std::get_if<std::string>(&response.body)) {
    auto* owned = new std::string(std::move(*text));
    ResponsePtr made(MHD_create_response_from_buffer_with_free_callback_cls(owned->size(), owned->data(),
                                                                            free_string, owned));
    if (!made) free_string(owned);
    return made;
  }
  if (auto* file = std::get_if<FileBody>(&response.body)) {
    if (file->length == 0) {
      return ResponsePtr(MHD_create_response_from_buffer(0, nullptr, MHD_RESPMEM_PERSISTENT));
    }
    ResponsePtr made(MHD_create_response_from_fd_at_offset64(file->length, file->fd.get(), file->offset));
    if (made) file->fd.release();  // the library closes it
    return made;
  }
  auto length = known_length(response);
  return make_stream(std::move(std::get<StreamBody>(response.body)), length, {}, connection);
}

MHD_Result send_response(MHD_Connection* connection, Call& call, SendGuard& guard, Response response) {
  if (response.wire_fault && response.wire_fault->no_answer) {
    if (response.wire_fault->reset) reset_on_close(connection);
    return MHD_NO;
  }
  if (const auto* file = std::get_if<FileBody>(&response.body); file != nullptr && !response.wire_fault) {
    call.sending = {guard, socket_of(connection), file->fd.get(), file->offset + file->length};
  }
  auto made = make_body(response, connection);
  if (!made) return MHD_NO;
  for (const auto& [name, value] : response.headers) {
    if (equal_without_case(name, "Content-Length")) continue;  // set from the body
    if (MHD_add_response_header(made.get(), name.c_str(), value.c_str()) != MHD_YES) {
      log("a response header could not be sent: {}", name);
    }
  }
  return MHD_queue_response(connection, static_cast<unsigned>(response.status), made.get());
}

// --- Callbacks ----------------------------------------------------------------------------------------

MHD_Result begin_call(MHD_Connection* connection, Call& call, const Request& request, const Handler& handler,
                      SendGuard& guard) {
  call.exchange = handler(request);
  call.early = call.exchange->refuse();
  if (!call.early) return MHD_YES;
  bool waits_for_100 = false;
  if (auto expect = request.headers.get("Expect"))
    waits_for_100 = equal_without_case(*expect, "100-continue");
  bool drainable = request.content_length && *request.content_length <= drain_limit;
  if (waits_for_100 || !drainable) return send_response(connection, call, guard, std::move(*call.early));
  call.dropping = true;
  return MHD_YES;
}

MHD_Result take_piece(MHD_Connection* connection, Call& call, const char* data, std::size_t* size) {
  std::span piece(reinterpret_cast<const std::byte*>(data), *size);
  *size = 0;
  if (!call.dropping) {
    if (call.exchange->write(piece)) return MHD_YES;
    if (call.exchange->breaks_off()) {
      reset_on_close(connection);
      return MHD_NO;
    }
    call.dropping = true;
  }
  call.dropped += piece.size();
  return call.dropped > drain_limit ? MHD_NO : MHD_YES;
}

}  // namespace

struct HttpServer::Impl {
  Handler handler;
  SendGuard guard;
  std::string address;
  std::uint16_t port = 0;
  bool tls = false;
  MHD_Daemon* daemon = nullptr;

  ~Impl() {
    if (daemon != nullptr) MHD_stop_daemon(daemon);
  }

  static void* note_target(void*, const char* uri, MHD_Connection*) {
    current_target = uri;
    return nullptr;
  }

  static MHD_Result handle(void* cls, MHD_Connection* connection, const char*, const char* method,
                           const char*, const char* data, std::size_t* size, void** slot) {
    auto& self = *static_cast<Impl*>(cls);
    try {
      auto* call = static_cast<Call*>(*slot);
      if (call == nullptr) {
        *slot = call = new Call;  // freed by completed(), which follows every call of this function
        return begin_call(connection, *call, read_request(connection, method, self.tls), self.handler,
                          self.guard);
      }
      if (*size != 0) return take_piece(connection, *call, data, size);
      auto response = call->early ? std::move(*call->early) : call->exchange->finish();
      return send_response(connection, *call, self.guard, std::move(response));
    } catch (const std::exception& error) {
      log("request failed: {}", error.what());
      return MHD_NO;
    }
  }

  static void completed(void*, MHD_Connection*, void** slot, MHD_RequestTerminationCode) {
    delete static_cast<Call*>(*slot);
    *slot = nullptr;
  }
};

namespace {

MHD_OptionItem text_option(MHD_OPTION option, const char* text) {
  return {option, 0, const_cast<char*>(text)};  // NOLINT: the library's interface has no const
}

}  // namespace

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;
std::uint16_t HttpServer::port() const {
  return impl_->port;
}

std::string HttpServer::url() const {
  bool v6 = impl_->address.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", impl_->tls ? "https" : "http", v6 ? "[" : "", impl_->address,
                     v6 ? "]" : "", impl_->port);
}

std::expected<std::unique_ptr<HttpServer>, std::string> HttpServer::start(const HttpSettings& settings,
                                                                          Handler handler) {
  auto listener = listen_on(settings.address, settings.port);
  if (!listener) return std::unexpected(listener.error());
  auto impl = std::make_unique<Impl>();
  impl->handler = std::move(handler);
  impl->address = settings.address;
  impl->port = listener->port;
  impl->tls = settings.tls.has_value();

  unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC;
  std::vector<MHD_OptionItem> tls;
  if (settings.tls) {
    flags |= MHD_USE_TLS;
    tls.push_back(text_option(MHD_OPTION_HTTPS_MEM_KEY, settings.tls->key_pem.c_str()));
    tls.push_back(text_option(MHD_OPTION_HTTPS_MEM_CERT, settings.tls->certificate_pem.c_str()));
    tls.push_back(text_option(MHD_OPTION_HTTPS_PRIORITIES, "NORMAL:-VERS-ALL:+VERS-TLS1.3"));
  }
  tls.push_back({MHD_OPTION_END, 0, nullptr});

  impl->daemon = MHD_start_daemon(
      flags, 0, nullptr, nullptr, &Impl::handle, impl.get(),                         //
      MHD_OPTION_LISTEN_SOCKET, listener->fd.get(),                                  //
      MHD_OPTION_URI_LOG_CALLBACK, &Impl::note_target, static_cast<void*>(nullptr),  //
      MHD_OPTION_NOTIFY_COMPLETED, &Impl::completed, static_cast<void*>(nullptr),    //
      MHD_OPTION_CONNECTION_LIMIT, settings.connection_limit,                        //
      MHD_OPTION_CONNECTION_TIMEOUT, settings.idle_seconds,                          //
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, settings.connection_memory,                //
      MHD_OPTION_CONNECTION_MEMORY_INCREMENT, std::size_t{16 * 1024},                //
      MHD_OPTION_THREAD_STACK_SIZE, thread_stack, MHD_OPTION_ARRAY, tls.data(), MHD_OPTION_END);
  if (impl->daemon == nullptr) {
    return std::unexpected(std::string(settings.tls ? "cannot start the HTTPS server (certificate and key?)"
                                                    : "cannot start the HTTP server"));
  }
  listener->fd.release();  // closed by the library from here on
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

}  // namespace refserver

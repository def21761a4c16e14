// Chooses libcurl's options, most of them once per handle, and translates its callbacks.
#include "net/transfer.hpp"

#include <strings.h>

#include <algorithm>

namespace nithronfs::net {
namespace {

template <class Value>
bool set(CURL* easy, CURLoption option, Value value) {
  return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

long weight_of(Priority priority) {
  switch (priority) {
    case Priority::foreground:
      return 256;
    case Priority::readahead:
      return 64;
    case Priority::background:
      return 8;
  }
  return 16;
}

long milliseconds_of(Nanos time) {
  return static_cast<long>(
      std::max<Nanos::rep>(1, std::chrono::ceil<std::chrono::milliseconds>(time).count()));
}

bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

}  // namespace

std::unique_ptr<Transfer> Transfer::make(const ClientOptions& options) {
  std::unique_ptr<Transfer> transfer(new Transfer);
  transfer->easy_.reset(curl_easy_init());
  if (!transfer->easy_ || !transfer->configure(options)) return nullptr;
  return transfer;
}

bool Transfer::configure(const ClientOptions& options) {
  CURL* easy = easy_.get();
  const auto buffer = static_cast<long>(std::clamp<std::size_t>(options.buffer_size, 16 * 1024, 512 * 1024));
  bool ok = set(easy, CURLOPT_PRIVATE, this);
  ok = ok && set(easy, CURLOPT_ERRORBUFFER, error_text_.data());
  ok = ok && set(easy, CURLOPT_NOSIGNAL, 1L);
  ok = ok && set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  ok = ok && set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  ok = ok && set(easy, CURLOPT_HTTP09_ALLOWED, 0L);
  ok = ok && set(easy, CURLOPT_PATH_AS_IS, 1L);  // what names mean is decided above, not by libcurl
  ok = ok && set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  ok = ok && set(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
  ok = ok && set(easy, CURLOPT_BUFFERSIZE, buffer);
  ok = ok && set(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds_of(options.connect_timeout));
  ok = ok && set(easy, CURLOPT_TCP_NODELAY, 1L);
  ok = ok && set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  ok = ok &&
       set(easy, CURLOPT_PIPEWAIT, 1L);  // rather a stream on a connection that is coming up than one more
  ok = ok && set(easy, CURLOPT_QUICK_EXIT, 1L);  // shutting down does not wait for a name server

  ok = ok && set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_3));
  ok = ok && set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  ok = ok && set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options.ca_file.empty()) ok = ok && set(easy, CURLOPT_CAINFO, options.ca_file.c_str());
  if (!options.pinned_pubkey.empty()) {
    ok = ok && set(easy, CURLOPT_PINNEDPUBLICKEY, options.pinned_pubkey.c_str());
  }

  ok = ok && set(easy, CURLOPT_HEADERFUNCTION, &Transfer::header_callback);
  ok = ok && set(easy, CURLOPT_HEADERDATA, this);
  ok = ok && set(easy, CURLOPT_WRITEFUNCTION, &Transfer::body_callback);
  ok = ok && set(easy, CURLOPT_WRITEDATA, this);
  ok = ok && set(easy, CURLOPT_PREREQFUNCTION, &Transfer::prerequest_callback);
  ok = ok && set(easy, CURLOPT_PREREQDATA, this);
  return ok;
}

Result<void> Transfer::prepare(const Request& request, const Target& target, TransferEvents& events) {
  CURL* easy = easy_.get();
  events_ = &events;
  error_text_[0] = '\0';
  if (auto headers = set_headers(request); !headers) return headers;
  set_method(request);
  // Without TLS there is nothing to negotiate; asking for HTTP/2 there would make parallel requests wait for
  // each other's first answer.
  const bool tls = strncasecmp(target.url.c_str(), "https:", 6) == 0;
  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  set(easy, CURLOPT_STREAM_WEIGHT, weight_of(request.priority));
  set(easy, CURLOPT_PROXY, target.direct ? "" : nullptr);
  if (!set(easy, CURLOPT_URL, target.url.c_str()))
    return fail(Errc::out_of_memory, "no memory for a request");
  return {};
}

void Transfer::set_method(const Request& request) {
  CURL* easy = easy_.get();
  set(easy, CURLOPT_CUSTOMREQUEST, nullptr);
  set(easy, CURLOPT_HTTPGET, 1L);  // also undoes NOBODY and POST of the exchange before
  if (request.method == "HEAD") {
    set(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    set(easy, CURLOPT_POST, 1L);
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(easy, CURLOPT_POSTFIELDS, request.body.data());
  }
  if (request.method != "GET") set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

Result<void> Transfer::set_headers(const Request& request) {
  CurlList list;
  bool has_type = false;
  const auto append = [&list](const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return false;
    (void)list.release();
    list.reset(longer);
    return true;
  };
  for (const Header& header : request.headers) {
    if (!is_one_line(header.name) || !is_one_line(header.value) || header.name.empty()) {
      return fail(Errc::invalid_argument, "a request header must be one line");
    }
    has_type = has_type || strcasecmp(header.name.c_str(), "Content-Type") == 0;
    const bool empty = header.value.empty();
    if (!append(empty ? header.name + ";" : header.name + ": " + header.value)) {
      return fail(Errc::out_of_memory, "no memory for a request");
    }
  }
  // libcurl calls every body a form unless told otherwise.
  if (!has_type && !append("Content-Type:")) return fail(Errc::out_of_memory, "no memory for a request");
  set(easy_.get(), CURLOPT_HTTPHEADER, list.get());
  headers_ = std::move(list);
  return {};
}

void Transfer::finish() {
  set(easy_.get(), CURLOPT_POSTFIELDS, nullptr);
  events_ = nullptr;
}

void Transfer::resume() {
  // A failure shows as the end of the transfer.
  (void)curl_easy_pause(easy_.get(), CURLPAUSE_CONT);
}

Transfer& Transfer::of(CURL* handle) {
  Transfer* transfer = nullptr;
  curl_easy_getinfo(handle, CURLINFO_PRIVATE, &transfer);
  return *transfer;
}

unsigned Transfer::connections_opened() const {
  long count = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_NUM_CONNECTS, &count);
  return static_cast<unsigned>(count);
}

int Transfer::os_error() const {
  long error = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &error);
  return static_cast<int>(error);
}

std::uint64_t Transfer::bytes_sent() const {
  curl_off_t bytes = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_UPLOAD_T, &bytes);
  return static_cast<std::uint64_t>(bytes);
}

std::size_t Transfer::header_callback(char* data, std::size_t size, std::size_t count, void* self) {
  const std::size_t bytes = size * count;
  return static_cast<Transfer*>(self)->events_->on_header_line({data, bytes}) ? bytes : 0;
}

std::size_t Transfer::body_callback(char* data, std::size_t size, std::size_t count, void* self) {
  const auto bytes = std::as_bytes(std::span(data, size * count));
  switch (static_cast<Transfer*>(self)->events_->on_body(bytes)) {
    case BodyVerdict::taken:
      return bytes.size();
    case BodyVerdict::later:
      return CURL_WRITEFUNC_PAUSE;
    case BodyVerdict::abort:
      return CURL_WRITEFUNC_ERROR;
  }
  return CURL_WRITEFUNC_ERROR;
}

int Transfer::prerequest_callback(void* self, char*, char*, int, int) {
  return static_cast<Transfer*>(self)->events_->about_to_send() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

}  // namespace nithronfs::net

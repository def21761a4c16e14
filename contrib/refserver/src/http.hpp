// HTTP as the handlers see it: requests, responses and the exchange between them, independent of the
// library that moves the bytes.
//
// Thread rules: every connection has a thread of its own, and all calls of one exchange come from it. A
// handler may therefore block (disk, long poll); what it shares with other requests it has to lock itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "fd.hpp"

namespace refserver {

// Header fields in order of arrival; names compare without case (RFC 9110, 5.1), values are kept verbatim.
class Headers {
 public:
  using Field = std::pair<std::string, std::string>;

  Headers() = default;
  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  void add(std::string name, std::string value);
  void set(std::string_view name, std::string value);  // replaces every field of that name
  void remove(std::string_view name);
  std::optional<std::string_view> get(std::string_view name) const;  // the first one
  std::vector<std::string_view> all(std::string_view name) const;
  bool has(std::string_view name) const { return get(name).has_value(); }

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::vector<Field> fields_;
};

struct Request {
  std::string method;
  std::string path;   // as sent: percent-encoded, without the query, starting with '/'
  std::string query;  // as sent, without '?'
  std::vector<std::pair<std::string, std::string>> parameters;  // the query, decoded, in order
  Headers headers;
  std::string client_address;  // without the port
  bool tls = false;

  std::optional<std::string_view> parameter(std::string_view name) const;  // the first of that name
  // Length of the body as announced; none for a chunked body, 0 when there is no body.
  std::optional<std::uint64_t> content_length = 0;
};

// A range of a file, sent by the kernel without a copy through user space. Ranges that end past the end of
// the file by the time they are sent break the connection off, so that the client notices.
struct FileBody {
  UniqueFd fd;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// A body that is made while it is sent (chunked encoding, unless the handler set Content-Length).
struct StreamBody {
  enum class Step {
    more,    // `chunk` holds the next piece (an empty one is skipped)
    end,     // `chunk` may hold the last piece
    broken,  // cannot go on: the connection is closed so that the client sees an incomplete body
  };
  std::function<Step(std::string& chunk)> next;
};

// What a fault script asks the connection to do wrong with an answer.
struct WireFault {
  std::optional<std::uint64_t> cut_after;  // break off after that many bytes of the body
  bool reset = false;                      // break off with a TCP reset, not an orderly close
  std::optional<std::uint64_t> announce;   // the Content-Length to claim, whatever the body has
  bool no_answer = false;                  // close without a single byte
};

struct Response {
  int status = 200;
  Headers headers;
  std::variant<std::string, FileBody, StreamBody> body;
  std::optional<WireFault> wire_fault;
};

// One request on its way to its response. Calls come in this order: refuse(), write()*, finish(). A client
// that disappears in mid-body gets no finish(): the exchange is destroyed and must leave nothing behind.
// For HEAD, answer as for GET: length and headers go out, the body is dropped and never read.
class Exchange {
 public:
  virtual ~Exchange() = default;

  // Called once the headers are in and before the body is asked for. An answer given here is final: no
  // write() and no finish() follow, and a client that sent "Expect: 100-continue" never sends the body.
  virtual std::optional<Response> refuse() { return std::nullopt; }

  // The next piece of the body. False means that no more of it is wanted: the rest is read and dropped, and
  // finish() says why.
  virtual bool write(std::span<const std::byte> piece) = 0;
  // Asked after write() said false: the connection is reset at once instead of being answered.
  virtual bool breaks_off() const { return false; }

  virtual Response finish() = 0;
};

// An exchange whose answer is already known: the body, if any, is not wanted.
std::unique_ptr<Exchange> answer_with(Response response);

// Percent-decoding of a path or of one of its segments: `+` stays `+`. None when an escape is malformed.
std::optional<std::string> percent_decode(std::string_view text);
// Percent-encoding for a path: everything but unreserved characters and '/'.
std::string percent_encode_path(std::string_view text);

bool equal_without_case(std::string_view a, std::string_view b);

std::string http_date(std::int64_t unix_seconds);  // "Sun, 06 Nov 1994 08:49:37 GMT"

}  // namespace refserver

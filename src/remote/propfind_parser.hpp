// Reads a PROPFIND answer (RFC 4918, 207 Multi-Status) while it arrives, in bounded memory. The only door to
// expat. It knows XML and the few properties that we ask for; what a row means is decided by DavListing.
//
//   multistatus > response* > href, (status | propstat* > (prop > properties, status))
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "nithronfs/util/result.hpp"

namespace nithronfs::remote {

// The properties of one response that came with status 200, as text.
struct DavProperties {
  bool has_resource_type = false;
  bool is_collection = false;
  std::optional<std::string> content_length;
  std::optional<std::string> last_modified;
  std::optional<std::string> etag;
  std::optional<std::string> precise_mtime;  // {https://nithron.com/ns/dav}mtime
  std::optional<std::string> quota_available;
  std::optional<std::string> quota_used;
};

struct DavRow {
  std::string href;
  bool href_too_long = false;  // href is its beginning
  bool text_too_long = false;  // a property was longer than any that makes sense
  int status = 0;              // of the response as a whole; 0: none given
  DavProperties properties;
};

class PropfindParser {
 public:
  // False ends the parsing; feed() then reports success, and nothing more is parsed.
  using OnRow = std::move_only_function<bool(DavRow)>;

  static constexpr std::size_t kMaxHref = 16 * 1024;  // 255 bytes × 3, as deep as paths go
  static constexpr std::size_t kMaxText = 4 * 1024;
  static constexpr unsigned kMaxDepth = 32;
  static constexpr std::size_t kMaxToken = 1024 * 1024;  // one tag with its attributes

  explicit PropfindParser(OnRow on_row);
  ~PropfindParser();
  PropfindParser(const PropfindParser&) = delete;
  PropfindParser& operator=(const PropfindParser&) = delete;

  // Errors: protocol (not well-formed, not a multistatus, above a bound, a document type), out_of_memory.
  [[nodiscard]] Result<void> feed(std::span<const std::byte> bytes);
  // After the last byte. Errors: protocol when the document is not complete.
  [[nodiscard]] Result<void> finish();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace nithronfs::remote

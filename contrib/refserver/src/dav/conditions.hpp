// Preconditions of RFC 9110 (If-Match and its relatives), byte ranges and dates.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace refserver::dav {

// What a condition is compared with. `etag` is quoted, as on the wire; empty for what has none.
struct Validators {
  bool exists = false;
  std::string etag;
  std::time_t modified = 0;
};

// The four conditional headers; nullopt when a header was not sent.
struct ConditionHeaders {
  std::optional<std::string_view> if_match;
  std::optional<std::string_view> if_none_match;
  std::optional<std::string_view> if_modified_since;
  std::optional<std::string_view> if_unmodified_since;
};

enum class Verdict { proceed, not_modified, precondition_failed };

// In the order of RFC 9110, 13.2.2. `is_read` (GET, HEAD): an If-None-Match that matches is 304, not 412.
Verdict evaluate(const ConditionHeaders& headers, const Validators& current, bool is_read);

// Whether a list of entity tags ("*" or `"a", W/"b"`) names `etag`. Strong comparison never matches weak
// tags.
bool matches_etag_list(std::string_view list, const Validators& current, bool strong);

// May a Range be honoured? Without If-Range always; otherwise only for exactly this version (13.1.5).
bool range_applies(std::optional<std::string_view> if_range, const Validators& current);

struct WholeBody {};
struct ByteSlice {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};
struct RangeNotSatisfiable {};
using RangeChoice = std::variant<WholeBody, ByteSlice, RangeNotSatisfiable>;

// One range of bytes, including the suffix form. Several ranges, other units and nonsense give the whole
// body, which RFC 9110 (14.2) allows a server that wants to keep multipart answers out of its life.
RangeChoice choose_range(std::string_view range_header, std::uint64_t size);

// Any of the three forms of RFC 9110, 5.6.7.
std::optional<std::time_t> parse_http_date(std::string_view text);

// "1994-11-06T08:49:37Z", the form of creationdate.
std::string iso_date(std::time_t time);

}  // namespace refserver::dav

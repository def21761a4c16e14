// Evaluates conditional headers and byte ranges.
#include "conditions.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace refserver::dav {
namespace {

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<std::uint64_t> parse_number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

bool is_weak(std::string_view tag) {
  return tag.starts_with("W/");
}

std::string_view opaque(std::string_view tag) {
  return is_weak(tag) ? tag.substr(2) : tag;
}

// Takes one entity tag off the front of a list. A tag may contain commas, so splitting at them is wrong.
std::string_view take_tag(std::string_view& list) {
  list.remove_prefix(std::min(list.find_first_not_of(" \t,"), list.size()));
  const std::size_t open = list.find('"');
  const std::size_t close = open == list.npos ? list.npos : list.find('"', open + 1);
  const std::size_t length = close == list.npos ? std::min(list.find(','), list.size()) : close + 1;
  const std::string_view tag = trim(list.substr(0, length));
  list.remove_prefix(length);
  return tag;
}

// nullopt for text that is no "first-last", "first-" or "-suffix".
std::optional<RangeChoice> parse_single_range(std::string_view spec, std::uint64_t size) {
  const std::size_t dash = spec.find('-');
  if (dash == spec.npos) return std::nullopt;
  const std::string_view first_text = trim(spec.substr(0, dash));
  const std::string_view last_text = trim(spec.substr(dash + 1));
  const auto last = parse_number(last_text);
  if (first_text.empty()) {
    if (!last) return std::nullopt;
    if (*last == 0 || size == 0) return RangeNotSatisfiable{};
    const std::uint64_t length = std::min(*last, size);
    return ByteSlice{size - length, length};
  }
  const auto first = parse_number(first_text);
  if (!first || (!last && !last_text.empty()) || (last && *last < *first)) return std::nullopt;
  if (*first >= size) return RangeNotSatisfiable{};
  const std::uint64_t end = last && *last < size - 1 ? *last + 1 : size;
  return ByteSlice{*first, end - *first};
}

std::tm utc(std::time_t time) {
  std::tm parts{};
  gmtime_r(&time, &parts);
  return parts;
}

}  // namespace

bool matches_etag_list(std::string_view list, const Validators& current, bool strong) {
  if (trim(list) == "*") return current.exists;
  if (!current.exists || current.etag.empty()) return false;
  while (!list.empty()) {
    const std::string_view tag = take_tag(list);
    if (strong && (is_weak(tag) || is_weak(current.etag))) continue;
    if (!tag.empty() && opaque(tag) == opaque(current.etag)) return true;
  }
  return false;
}

Verdict evaluate(const ConditionHeaders& headers, const Validators& current, bool is_read) {
  if (headers.if_match) {
    if (!matches_etag_list(*headers.if_match, current, true)) return Verdict::precondition_failed;
  } else if (headers.if_unmodified_since) {
    const auto limit = parse_http_date(*headers.if_unmodified_since);
    if (limit && (!current.exists || current.modified > *limit)) return Verdict::precondition_failed;
  }
  if (headers.if_none_match) {
    if (!matches_etag_list(*headers.if_none_match, current, false)) return Verdict::proceed;
    return is_read ? Verdict::not_modified : Verdict::precondition_failed;
  }
  if (headers.if_modified_since && is_read && current.exists) {
    const auto limit = parse_http_date(*headers.if_modified_since);
    if (limit && current.modified <= *limit) return Verdict::not_modified;
  }
  return Verdict::proceed;
}

bool range_applies(std::optional<std::string_view> if_range, const Validators& current) {
  if (!if_range) return true;
  const std::string_view value = trim(*if_range);
  if (value.starts_with('"') || is_weak(value)) {
    return !is_weak(value) && !is_weak(current.etag) && value == current.etag;
  }
  const auto date = parse_http_date(value);
  return date && *date == current.modified;
}

RangeChoice choose_range(std::string_view range_header, std::uint64_t size) {
  const std::size_t equals = range_header.find('=');
  if (equals == range_header.npos || trim(range_header.substr(0, equals)) != "bytes") return WholeBody{};
  const std::string_view specs = range_header.substr(equals + 1);
  if (specs.find(',') != specs.npos) return WholeBody{};
  return parse_single_range(trim(specs), size).value_or(WholeBody{});
}

std::optional<std::time_t> parse_http_date(std::string_view text) {
  constexpr std::array forms{"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                             "%a %b %e %H:%M:%S %Y"};
  const std::string copy(trim(text));
  for (const char* form : forms) {
    std::tm parts{};
    const char* end = strptime(copy.c_str(), form, &parts);
    if (end != nullptr && *end == '\0') return timegm(&parts);
  }
  return std::nullopt;
}

std::string iso_date(std::time_t time) {
  const std::tm parts = utc(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace refserver::dav

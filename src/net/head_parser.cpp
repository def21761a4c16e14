// Reads status lines and fields leniently, as RFC 9112 allows, but never without a bound.
#include "net/head_parser.hpp"

namespace nithronfs::net {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

HeadParser::Step HeadParser::feed(std::string_view line) {
  if (complete_) return Step::ignored;
  bytes_ += line.size();
  if (bytes_ > kMaxBytes) return Step::bad;
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (line.empty()) {
    if (head_.status == 0) return Step::bad;
    complete_ = head_.status >= 200;
    return complete_ ? Step::complete : Step::more;
  }
  // An interim answer (100, 103) is followed by the status line of the next one.
  if (line.starts_with("HTTP/")) return read_status_line(line) ? Step::more : Step::bad;
  return read_field(line) ? Step::more : Step::bad;
}

bool HeadParser::read_status_line(std::string_view line) {
  const auto space = line.find(' ');
  if (line.size() < 6 || !is_digit(line[5]) || space == std::string_view::npos) return false;
  const std::string_view code = line.substr(space + 1, 3);
  if (code.size() != 3 || !is_digit(code[0]) || !is_digit(code[1]) || !is_digit(code[2])) return false;
  head_ = ResponseHead{};
  http_major_ = line[5] - '0';
  head_.status = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
  return head_.status >= 100;
}

bool HeadParser::read_field(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') {  // folded: goes on with the previous field
    if (head_.headers.empty()) return false;
    head_.headers.back().value.append(" ").append(trim(line));
    return true;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return true;  // means nothing to us
  head_.headers.push_back(Header{.name = std::string(trim(line.substr(0, colon))),
                                 .value = std::string(trim(line.substr(colon + 1)))});
  return true;
}

}  // namespace nithronfs::net

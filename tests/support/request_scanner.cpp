// The little of HTTP/1.1 that is needed to tell one request from the next.
#include "request_scanner.hpp"

#include <algorithm>
#include <charconv>

namespace nithronfs::test {
namespace {

constexpr std::size_t longest_head = 256 * 1024;

// Value of header `name` (given in lower case) in the lines of a head; empty: none.
std::string header_of(std::string_view lines, std::string_view name) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find("\r\n"), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 2, lines.size()));
    const std::size_t colon = line.find(':');
    if (colon != name.size()) continue;
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
    if (!std::ranges::equal(line.substr(0, colon), name, same)) continue;
    const std::size_t start = std::min(line.find_first_not_of(' ', colon + 1), line.size());
    return std::string(line.substr(start));
  }
  return {};
}

}  // namespace

std::vector<SeenRequest> RequestScanner::add(std::string_view bytes) {
  std::vector<SeenRequest> seen;
  while (!bytes.empty() && !foreign_) {
    if (body_left_ > 0) {
      const auto skipped = std::min<std::uint64_t>(body_left_, bytes.size());
      body_left_ -= skipped;
      bytes.remove_prefix(skipped);
      continue;
    }
    const std::size_t old = head_.size();
    head_ += bytes;
    const std::size_t end = head_.find("\r\n\r\n");
    if (end == std::string::npos) {
      foreign_ = head_.size() > longest_head;
      break;
    }
    bytes.remove_prefix(end + 4 - old);
    const std::size_t line_end = head_.find("\r\n");
    const std::string line = head_.substr(0, line_end);
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string::npos || last <= first || !line.ends_with(" HTTP/1.1")) {
      foreign_ = true;
      break;
    }
    SeenRequest request;
    request.method = line.substr(0, first);
    request.target = line.substr(first + 1, last - first - 1);
    request.headers = line_end < end ? head_.substr(line_end + 2, end - line_end - 2) : "";
    request.range = header_of(request.headers, "range");
    const std::string length = header_of(request.headers, "content-length");
    std::from_chars(length.data(), length.data() + length.size(), body_left_);
    foreign_ = !header_of(request.headers, "transfer-encoding").empty();
    seen.push_back(std::move(request));
    head_.clear();
  }
  return seen;
}

}  // namespace nithronfs::test

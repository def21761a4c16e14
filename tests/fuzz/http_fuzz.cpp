// Any bytes as heads, dates, ranges and hrefs.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/head_parser.hpp"
#include "net/retry.hpp"
#include "nithronfs/net/http_date.hpp"
#include "nithronfs/net/url.hpp"
#include "remote/names.hpp"
#include "remote/range_answer.hpp"

namespace {

using namespace nithronfs;

void require(bool promise) {
  if (!promise) std::abort();
}

void check_head(std::string_view text) {
  net::HeadParser parser;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (parser.feed(line) == net::HeadParser::Step::bad) return;
  }
  if (parser.complete()) require(parser.head().status >= 200 && parser.head().status < 1000);
}

void check_href(std::string_view text) {
  const remote::HrefPlace place = remote::place_of(text, "/dav/s");
  if (place.kind == remote::HrefPlace::Kind::member) require(!remote::why_unusable(place.name));
  if (place.kind == remote::HrefPlace::Kind::unusable) require(!place.reason.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_head(text);
  check_href(text);
  (void)net::parse_http_date(text);
  const auto pause = net::parse_retry_after(text, WallTime{});
  require(!pause || *pause >= Nanos{0});
  const auto range = remote::parse_content_range(text);
  require(!range || (range->first <= range->last && range->last < range->total));
  require(net::percent_decode(net::percent_encode(text)) == text);
  const std::string whole(text);
  if (const auto url = net::parse_url(whole)) require(!url->origin.host.empty());
  (void)net::resolve_url("http://127.0.0.1:80/a/b", whole);
  return 0;
}

// Any bytes as a PROPFIND answer, in pieces: the parser and the listing neither crash nor let through what
// they promise to keep out.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <unordered_set>

#include "remote/dav_listing.hpp"
#include "remote/names.hpp"
#include "remote/propfind_parser.hpp"

namespace {

using namespace nithronfs;
using namespace nithronfs::remote;

// Ends the run when the promise is broken.
void require(bool promise) {
  if (!promise) std::abort();
}

class Checker final : public ListingReceiver {
 public:
  net::Flow on_entry(Entry entry) override {
    require(!why_unusable(entry.name));
    require(names_.insert(entry.name).second);
    require(entry.version.size <= std::uint64_t{1} << 63);
    require(entry.version.mtime.nanoseconds < 1'000'000'000);
    require(entry.version.etag.find_first_of("\r\n") == std::string::npos);
    return net::Flow::proceed;
  }
  void on_refused(std::string_view href, std::string_view reason) override {
    require(href.size() < 1000 && !reason.empty());
    require(href.find('\n') == std::string_view::npos);
  }

 private:
  std::unordered_set<std::string> names_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // The first byte says how large the pieces are.
  const std::size_t piece = std::size_t{1} << (data[0] % 12);
  auto bytes = std::as_bytes(std::span(data + 1, size - 1));
  DavListing listing("/dav/s", std::make_shared<Checker>());
  PropfindParser parser([&listing](const DavRow& row) {
    require(row.href.size() <= PropfindParser::kMaxHref);
    return listing.add(row);
  });
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(part.size());
    if (!parser.feed(part)) return 0;
  }
  if (parser.finish()) (void)listing.self();
  return 0;
}

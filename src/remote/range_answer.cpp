// Compares every header that identifies bytes, then counts the bytes.
#include "remote/range_answer.hpp"

#include <algorithm>
#include <charconv>

#include "nithronfs/net/http_date.hpp"
#include "remote/dav_listing.hpp"

namespace nithronfs::remote {
namespace {

std::unexpected<Error> stale() {
  return fail(Errc::stale, "the file has changed on the server since it was listed");
}

std::unexpected<Error> bad(std::string_view what) {
  return fail(Errc::protocol, "the server sent other bytes than asked for: " + std::string(what));
}

// Consumes a number from the left.
bool take_number(std::string_view& text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, std::string_view literal) {
  if (!text.starts_with(literal)) return false;
  text.remove_prefix(literal.size());
  return true;
}

}  // namespace

bool is_strong(std::string_view etag) {
  return etag.size() >= 2 && etag.front() == '"' && etag.back() == '"';
}

bool same_tag(std::string_view a, std::string_view b) {
  return without_weak_mark(a) == without_weak_mark(b);
}

std::optional<ContentRange> parse_content_range(std::string_view value) {
  ContentRange range;
  const bool ok = take(value, "bytes ") && take_number(value, range.first) && take(value, "-") &&
                  take_number(value, range.last) && take(value, "/") && take_number(value, range.total) &&
                  value.empty();
  if (!ok || range.last < range.first || range.last >= range.total) return std::nullopt;
  return range;
}

RangeAnswer::RangeAnswer(Version version, ByteRange range, std::shared_ptr<BytesReceiver> receiver)
    : version_(std::move(version)), range_(range), receiver_(std::move(receiver)) {}

Result<Answer::Verdict> RangeAnswer::judge(const net::ResponseHead& head) {
  to_skip_ = 0;
  received_ = 0;
  enough_ = false;
  whole_ = head.status == 200;
  if (head.status != 206 && head.status != 200) return Verdict::refused;
  const auto encoding = head.find("Content-Encoding");
  if (encoding && *encoding != "identity") return bad("they are compressed, although that was not offered");
  if (auto checked = check_version(head); !checked) return fail(std::move(checked.error()));
  auto checked = whole_ ? check_whole(head) : check_partial(head);
  if (!checked) return fail(std::move(checked.error()));
  if (whole_) to_skip_ = range_.offset;
  return Verdict::wanted;
}

Result<void> RangeAnswer::check_version(const net::ResponseHead& head) const {
  const auto etag = head.find("ETag");
  if (!version_.etag.empty()) {
    // Who names versions in listings names them here too. If not, somebody else is answering.
    if (!etag)
      return is_web_page(head) ? fail(web_page_error()) : bad("the version they belong to is not named");
    if (!same_tag(*etag, version_.etag)) return stale();
    return {};
  }
  const auto modified = head.find("Last-Modified");
  if (!modified || version_.mtime == Timestamp{}) return {};
  const auto time = net::parse_http_date(*modified);
  if (!time) return bad("their modification time makes no sense");
  if (time->seconds != version_.mtime.seconds) return stale();
  return {};
}

Result<void> RangeAnswer::check_partial(const net::ResponseHead& head) const {
  const auto value = head.find("Content-Range");
  const auto range = value ? parse_content_range(*value) : std::nullopt;
  if (!range) return bad("which ones they are is not said");
  if (range->total != version_.size) return stale();
  if (range->first != range_.offset || range->last != range_.end() - 1)
    return bad("they are of another range");
  if (const auto length = head.find("Content-Length"); length && parse_count(*length) != range_.length) {
    return bad("they are more or fewer");
  }
  return {};
}

Result<void> RangeAnswer::check_whole(const net::ResponseHead& head) const {
  if (const auto length = head.find("Content-Length"); length && parse_count(*length) != version_.size) {
    return is_web_page(head) && version_.etag.empty() ? Result<void>(fail(web_page_error())) : stale();
  }
  if (range_.offset > kMaxSkip) {
    return fail(Errc::not_supported,
                "the server cannot send a part of a file, and this one is too large to fetch "
                "from its start each time");
  }
  return {};
}

Result<net::Flow> RangeAnswer::on_part(std::span<const std::byte> bytes) {
  if (to_skip_ > 0) {
    const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(to_skip_, bytes.size()));
    to_skip_ -= skipped;
    bytes = bytes.subspan(skipped);
    if (bytes.empty()) return net::Flow::proceed;
  }
  const std::uint64_t missing = range_.length - received_;
  if (bytes.size() > missing) {
    if (!whole_ || range_.end() == version_.size) return bad("they are more than asked for");
    bytes = bytes.first(static_cast<std::size_t>(missing));
  }
  const std::uint64_t offset = range_.offset + received_;
  received_ += bytes.size();
  const net::Flow flow = receiver_->on_bytes(offset, bytes);
  if (flow == net::Flow::stop) return flow;
  // What lies behind the range is not worth waiting for.
  enough_ = whole_ && received_ == range_.length && range_.end() != version_.size;
  return enough_ ? net::Flow::stop : flow;
}

Result<void> RangeAnswer::complete() {
  if (received_ != range_.length) return bad("they are fewer than announced");
  return {};
}

Error RangeAnswer::explain() const {
  // The name, or this range of it, is gone: so is the version. (A 404 may also hide a lost permission.)
  if (status() == 404 || status() == 410 || status() == 412 || status() == 416) {
    return {Errc::stale, "the version of the file that is being read is gone from the server"};
  }
  return Answer::explain();
}

}  // namespace nithronfs::remote

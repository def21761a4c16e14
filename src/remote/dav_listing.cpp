// Checks each row of a listing field by field: nonsense is refused with its reason, never guessed at.
#include "remote/dav_listing.hpp"

#include <algorithm>
#include <charconv>

#include "nithronfs/net/http_date.hpp"
#include "remote/names.hpp"

namespace nithronfs::remote {
namespace {

constexpr std::size_t kMaxEtag = 1024;

// "seconds" or "seconds.fraction" with one to nine digits of fraction.
std::optional<Timestamp> parse_precise_time(std::string_view text) {
  const auto dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  Timestamp time;
  const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), time.seconds);
  if (error != std::errc{} || end != whole.data() + whole.size()) return std::nullopt;
  if (dot == std::string_view::npos) return time;
  const std::string_view fraction = text.substr(dot + 1);
  if (fraction.empty() || fraction.size() > 9) return std::nullopt;
  for (std::size_t i = 0; i < 9; ++i) {
    const char digit = i < fraction.size() ? fraction[i] : '0';
    if (digit < '0' || digit > '9') return std::nullopt;
    time.nanoseconds = time.nanoseconds * 10 + static_cast<std::uint32_t>(digit - '0');
  }
  return time;
}

// It goes back to the server in a header.
bool is_usable_etag(std::string_view etag) {
  return etag.size() <= kMaxEtag && std::ranges::all_of(etag, [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte >= 0x20 && byte != 0x7f;
         });
}

// Absent is allowed, nonsense is not.
std::optional<Timestamp> read_mtime(const DavProperties& properties) {
  if (properties.precise_mtime && !properties.precise_mtime->empty()) {
    return parse_precise_time(*properties.precise_mtime);
  }
  if (!properties.last_modified || properties.last_modified->empty()) return Timestamp{};
  return net::parse_http_date(*properties.last_modified);
}

}  // namespace

std::string_view listing_request_body() {
  return R"(<?xml version="1.0" encoding="utf-8"?>
<D:propfind xmlns:D="DAV:" xmlns:N="https://nithron.com/ns/dav"><D:prop><D:resourcetype/><D:getcontentlength/>)"
         R"(<D:getlastmodified/><D:getetag/><N:mtime/></D:prop></D:propfind>)";
}

std::string_view quota_request_body() {
  return R"(<?xml version="1.0" encoding="utf-8"?>
<D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/><D:quota-available-bytes/><D:quota-used-bytes/></D:prop>)"
         R"(</D:propfind>)";
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0 || text.starts_with('-')) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(value);
}

std::expected<RowContent, std::string_view> read_row(const DavProperties& properties) {
  RowContent content;
  if (!properties.has_resource_type)
    return std::unexpected("the server does not say whether it is a directory");
  content.kind = properties.is_collection ? Kind::directory : Kind::file;
  const auto mtime = read_mtime(properties);
  if (!mtime) return std::unexpected("the modification time makes no sense");
  content.version.mtime = *mtime;
  if (properties.etag) {
    if (!is_usable_etag(*properties.etag)) return std::unexpected("the ETag makes no sense");
    content.version.etag = *properties.etag;
  }
  if (content.kind == Kind::directory) return content;
  const auto size = properties.content_length ? parse_count(*properties.content_length) : std::nullopt;
  if (!size) return std::unexpected("the size is missing or makes no sense");
  content.version.size = *size;
  return content;
}

DavListing::DavListing(std::string collection, std::shared_ptr<ListingReceiver> receiver)
    : collection_(std::move(collection)), receiver_(std::move(receiver)) {}

bool DavListing::add(const DavRow& row) {
  if (++rows_ > kMaxEntries) {
    return end_with(Errc::too_large, "the server lists more than 1,000,000 entries in one directory");
  }
  if (row.href_too_long) return refuse(row, "the name is absurdly long");
  HrefPlace place = place_of(row.href, collection_);
  switch (place.kind) {
    case HrefPlace::Kind::self:
      return add_self(row);
    case HrefPlace::Kind::member:
      return add_member(std::move(place.name), row);
    case HrefPlace::Kind::unusable:
      return refuse(row, place.reason);
  }
  return false;
}

bool DavListing::add_self(const DavRow& row) {
  if (self_ || self_status_ != 0) return refuse(row, "the directory itself is listed twice");
  if (row.status != 0 && row.status != 200) {
    self_status_ = row.status;
    return true;
  }
  const auto content = read_row(row.properties);
  if (row.text_too_long || !content) {
    return end_with(Errc::protocol,
                    std::string("the server's answer about the path itself makes no sense: ") +
                        std::string(content ? "a value is absurdly long" : content.error()));
  }
  self_ = Entry{.name = {}, .kind = content->kind, .version = content->version, .mode = std::nullopt};
  return true;
}

bool DavListing::add_member(std::string name, const DavRow& row) {
  if (!receiver_) return true;  // a server that lists members at Depth 0; not asked for
  if (row.status != 0 && row.status != 200) return refuse(row, "the server has no answer about it");
  if (row.text_too_long) return refuse(row, "a value is absurdly long");
  auto content = read_row(row.properties);
  if (!content) return refuse(row, content.error());
  if (is_duplicate(name)) return refuse(row, "the name is listed twice");
  const net::Flow flow = receiver_->on_entry(Entry{.name = std::move(name),
                                                   .kind = content->kind,
                                                   .version = std::move(content->version),
                                                   .mode = std::nullopt});
  if (flow == net::Flow::stop) return end_with(Errc::cancelled, "the listing was ended by its receiver");
  return true;
}

bool DavListing::is_duplicate(const std::string& name) {
  const std::hash<std::string_view> hash;
  return !seen_.insert(Fingerprint{.first = hash(name), .second = hash("2" + name)}).second;
}

bool DavListing::refuse(const DavRow& row, std::string_view reason) {
  if (receiver_) receiver_->on_refused(for_message(row.href), reason);
  return true;
}

bool DavListing::end_with(Errc code, std::string message) {
  failure_ = Error{code, std::move(message)};
  return false;
}

Result<Entry> DavListing::self() const {
  if (self_) return *self_;
  if (self_status_ == 404) return fail(Errc::not_found, "the server has no such file or directory");
  if (self_status_ == 403)
    return fail(Errc::permission, "the server does not allow this account to look there");
  return fail(Errc::protocol, "the server's listing does not contain what was asked for itself");
}

}  // namespace nithronfs::remote

// A stack of places in the document decides what a tag means; text is collected for known properties only.
#include "remote/propfind_parser.hpp"

#include <expat.h>

#include <functional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace nithronfs::remote {
namespace {

constexpr char kSeparator = '|';  // between namespace and name

struct ParserDeleter {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};
using ParserHandle = std::unique_ptr<std::remove_pointer_t<XML_Parser>, ParserDeleter>;

// "HTTP/1.1 200 OK" → 200; 0 when it is not a status line.
int parse_status(std::string_view line) {
  const auto space = line.find(' ');
  if (!line.starts_with("HTTP/") || space == std::string_view::npos || line.size() < space + 4) return 0;
  int status = 0;
  for (const char c : line.substr(space + 1, 3)) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + (c - '0');
  }
  return status;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

class PropfindParser::State {
 public:
  explicit State(OnRow on_row)
      : on_row_(std::move(on_row)), parser_(XML_ParserCreateNS(nullptr, kSeparator)) {
    if (!parser_) return;
    XML_SetUserData(parser_.get(), this);
    XML_SetElementHandler(parser_.get(), on_start, on_end);
    XML_SetCharacterDataHandler(parser_.get(), on_text);
    XML_SetDoctypeDeclHandler(parser_.get(), on_doctype, nullptr);
  }

  [[nodiscard]] Result<void> parse(std::string_view bytes, bool last) {
    if (stopped_) return {};
    if (!parser_) return fail(Errc::out_of_memory, "no memory to read a listing");
    // expat takes an int; a network buffer is far below.
    const auto status = XML_Parse(parser_.get(), bytes.data(), static_cast<int>(bytes.size()), last ? 1 : 0);
    if (stopped_) return {};
    if (refusal_) return fail(*refusal_);
    if (status != XML_STATUS_OK) return not_well_formed();
    fed_ += bytes.size();
    // expat keeps a tag until its end has arrived.
    const auto parsed = XML_GetCurrentByteIndex(parser_.get());
    if (!last && parsed >= 0 && fed_ - static_cast<std::uint64_t>(parsed) > kMaxToken) {
      return fail(Errc::protocol, "the server's listing contains an absurdly long tag");
    }
    return {};
  }

 private:
  // What the element that is open means to us.
  enum class Place { outside, multistatus, response, propstat, prop, resource_type, other };

  static void on_start(void* self, const XML_Char* name, const XML_Char**) {
    static_cast<State*>(self)->start(name);
  }
  static void on_end(void* self, const XML_Char*) { static_cast<State*>(self)->end(); }
  static void on_text(void* self, const XML_Char* text, int length) {
    static_cast<State*>(self)->text({text, static_cast<std::size_t>(length)});
  }
  static void on_doctype(void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    static_cast<State*>(self)->refuse("the server's listing declares a document type, which is refused");
  }

  void start(std::string_view name) {
    if (depth_ >= kMaxDepth) return refuse("the server's listing is nested absurdly deep");
    const Place outer = depth_ == 0 ? Place::outside : places_[depth_ - 1];
    places_[depth_++] = enter(outer, name);
  }
  Place enter(Place outer, std::string_view name);
  Place enter_property(std::string_view name);
  void collect(std::string& into, std::size_t limit, bool& too_long) {
    into.clear();
    sink_ = &into;
    sink_limit_ = limit;
    sink_too_long_ = &too_long;
    sink_depth_ = depth_ + 1;
  }
  void collect(std::optional<std::string>& into) { collect(into.emplace(), kMaxText, row_.text_too_long); }
  void text(std::string_view text) {
    if (sink_ == nullptr || depth_ != sink_depth_) return;
    if (sink_->size() + text.size() > sink_limit_) {
      *sink_too_long_ = true;
      text = text.substr(0, sink_limit_ - sink_->size());
    }
    sink_->append(text);
  }
  void end();
  void end_propstat();
  void end_response();

  void refuse(std::string message) {
    if (!refusal_) refusal_ = Error{Errc::protocol, std::move(message)};
    XML_StopParser(parser_.get(), XML_FALSE);
  }
  [[nodiscard]] Result<void> not_well_formed() const {
    const XML_Error error = XML_GetErrorCode(parser_.get());
    if (error == XML_ERROR_NO_MEMORY) return fail(Errc::out_of_memory, "no memory to read a listing");
    return fail(Errc::protocol, std::string("the server's listing is not complete XML (") +
                                    XML_ErrorString(error) + "); nothing is concluded from it");
  }

  OnRow on_row_;
  ParserHandle parser_;
  std::uint64_t fed_ = 0;
  bool stopped_ = false;
  std::optional<Error> refusal_;

  Place places_[kMaxDepth] = {};
  unsigned depth_ = 0;
  DavRow row_;
  DavProperties found_;      // of the propstat that is open
  std::string status_text_;  // of the propstat or response that is open
  bool ignored_flag_ = false;
  int propstat_status_ = 0;

  std::string* sink_ = nullptr;
  std::size_t sink_limit_ = 0;
  bool* sink_too_long_ = nullptr;
  unsigned sink_depth_ = 0;
};

PropfindParser::State::Place PropfindParser::State::enter(Place outer, std::string_view name) {
  switch (outer) {
    case Place::outside:
      if (name == "DAV:|multistatus") return Place::multistatus;
      refuse("the server answers with a document that is no listing");
      return Place::other;
    case Place::multistatus:
      if (name != "DAV:|response") return Place::other;
      row_ = DavRow{};
      return Place::response;
    case Place::response:
      if (name == "DAV:|href") collect(row_.href, kMaxHref, row_.href_too_long);
      if (name == "DAV:|status") collect(status_text_, kMaxText, ignored_flag_);
      if (name != "DAV:|propstat") return Place::other;
      found_ = DavProperties{};
      propstat_status_ = 0;
      return Place::propstat;
    case Place::propstat:
      if (name == "DAV:|status") collect(status_text_, kMaxText, ignored_flag_);
      return name == "DAV:|prop" ? Place::prop : Place::other;
    case Place::prop:
      return enter_property(name);
    case Place::resource_type:
      if (name == "DAV:|collection") found_.is_collection = true;
      return Place::other;
    case Place::other:
      return Place::other;
  }
  return Place::other;
}

PropfindParser::State::Place PropfindParser::State::enter_property(std::string_view name) {
  if (name == "DAV:|resourcetype") {
    found_.has_resource_type = true;
    return Place::resource_type;
  }
  if (name == "DAV:|getcontentlength") collect(found_.content_length);
  if (name == "DAV:|getlastmodified") collect(found_.last_modified);
  if (name == "DAV:|getetag") collect(found_.etag);
  if (name == "DAV:|quota-available-bytes") collect(found_.quota_available);
  if (name == "DAV:|quota-used-bytes") collect(found_.quota_used);
  if (name == "https://nithron.com/ns/dav|mtime") collect(found_.precise_mtime);
  return Place::other;
}

void PropfindParser::State::end() {
  const Place place = places_[--depth_];
  if (sink_ != nullptr && sink_depth_ == depth_ + 1) {
    std::string& collected = *sink_;
    sink_ = nullptr;
    collected = std::string(trim(collected));
    if (&collected == &status_text_) {
      const int status = parse_status(status_text_);
      (places_[depth_ - 1] == Place::propstat ? propstat_status_ : row_.status) = status;
    }
  }
  if (place == Place::propstat) end_propstat();
  if (place == Place::response) end_response();
}

void PropfindParser::State::end_propstat() {
  if (propstat_status_ != 200) return;
  DavProperties& all = row_.properties;
  const auto adopt = [](std::optional<std::string>& to, std::optional<std::string>& from) {
    if (from) to = std::move(from);
  };
  all.has_resource_type = all.has_resource_type || found_.has_resource_type;
  all.is_collection = all.is_collection || found_.is_collection;
  adopt(all.content_length, found_.content_length);
  adopt(all.last_modified, found_.last_modified);
  adopt(all.etag, found_.etag);
  adopt(all.precise_mtime, found_.precise_mtime);
  adopt(all.quota_available, found_.quota_available);
  adopt(all.quota_used, found_.quota_used);
}

void PropfindParser::State::end_response() {
  if (stopped_ || on_row_(std::exchange(row_, DavRow{}))) return;
  stopped_ = true;
  XML_StopParser(parser_.get(), XML_FALSE);
}

PropfindParser::PropfindParser(OnRow on_row) : state_(std::make_unique<State>(std::move(on_row))) {}
PropfindParser::~PropfindParser() = default;

Result<void> PropfindParser::feed(std::span<const std::byte> bytes) {
  return state_->parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, false);
}

Result<void> PropfindParser::finish() {
  return state_->parse({}, true);
}

}  // namespace nithronfs::remote

// Connects the bytes of a PROPFIND answer to the parser, and its end to a verdict.
#include "remote/listing_answer.hpp"

namespace nithronfs::remote {

ListingAnswer::ListingAnswer(std::string collection, std::shared_ptr<ListingReceiver> receiver)
    : listing_(std::move(collection), std::move(receiver)),
      parser_([this](const DavRow& row) { return listing_.add(row); }) {}

Result<Answer::Verdict> ListingAnswer::judge(const net::ResponseHead& head) {
  if (head.status != 207) return Verdict::refused;
  if (is_web_page(head)) return fail(web_page_error());
  return Verdict::wanted;
}

Result<net::Flow> ListingAnswer::on_part(std::span<const std::byte> bytes) {
  if (auto fed = parser_.feed(bytes); !fed) return fail(std::move(fed.error()));
  if (listing_.failure()) return fail(*listing_.failure());
  return net::Flow::proceed;
}

Result<void> ListingAnswer::complete() {
  if (auto finished = parser_.finish(); !finished) return finished;
  if (listing_.failure()) return fail(*listing_.failure());
  if (auto self = listing_.self(); !self) return fail(std::move(self.error()));
  return {};
}

Error ListingAnswer::explain() const {
  if (status() == 200) {
    // Stock servers say nothing at all, successfully, about what they cannot read.
    if (error_body().empty()) {
      return {Errc::permission, "the server says nothing about it; perhaps it cannot read it itself"};
    }
    return is_web_page(head()) ? web_page_error()
                               : Error{Errc::protocol, "the server did not answer with a WebDAV listing"};
  }
  if (status() == 405 || status() == 501) {
    return {Errc::not_supported, "this address does not offer WebDAV; check the URL"};
  }
  return Answer::explain();
}

QuotaAnswer::QuotaAnswer()
    : parser_([this](DavRow row) {
        // The collection itself comes first and, at Depth 0, alone.
        if (!properties_) properties_ = std::move(row.properties);
        return true;
      }) {}

Result<Answer::Verdict> QuotaAnswer::judge(const net::ResponseHead& head) {
  if (head.status != 207) return Verdict::refused;
  if (is_web_page(head)) return fail(web_page_error());
  return Verdict::wanted;
}

Result<net::Flow> QuotaAnswer::on_part(std::span<const std::byte> bytes) {
  if (auto fed = parser_.feed(bytes); !fed) return fail(std::move(fed.error()));
  return net::Flow::proceed;
}

Result<void> QuotaAnswer::complete() {
  return parser_.finish();
}

Result<Space> QuotaAnswer::space() const {
  const auto count = [](const std::optional<std::string>& text) {
    return text ? parse_count(*text) : std::nullopt;
  };
  if (!properties_ || !properties_->quota_available) {
    return fail(Errc::not_supported, "the server does not tell how much space it has");
  }
  const auto available = count(properties_->quota_available);
  const auto used = count(properties_->quota_used);
  if (!available || (properties_->quota_used && !used)) {
    return fail(Errc::protocol, "what the server tells about its space makes no sense");
  }
  return Space{.total_bytes = *available + used.value_or(0), .available_bytes = *available};
}

}  // namespace nithronfs::remote

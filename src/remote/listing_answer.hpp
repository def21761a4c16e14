// The answer to a PROPFIND: feeds the parser while bytes arrive.
#pragma once

#include "remote/answer.hpp"
#include "remote/dav_listing.hpp"
#include "remote/propfind_parser.hpp"

namespace nithronfs::remote {

class ListingAnswer final : public Answer {
 public:
  // Parameters as DavListing's.
  ListingAnswer(std::string collection, std::shared_ptr<ListingReceiver> receiver);
  // After success.
  [[nodiscard]] Result<Entry> self() const { return listing_.self(); }

 private:
  [[nodiscard]] Result<Verdict> judge(const net::ResponseHead& head) override;
  [[nodiscard]] Result<net::Flow> on_part(std::span<const std::byte> bytes) override;
  [[nodiscard]] Result<void> complete() override;
  [[nodiscard]] Error explain() const override;

  DavListing listing_;
  PropfindParser parser_;
};

// The same for the quota properties of one collection.
class QuotaAnswer final : public Answer {
 public:
  QuotaAnswer();
  [[nodiscard]] Result<Space> space() const;

 private:
  [[nodiscard]] Result<Verdict> judge(const net::ResponseHead& head) override;
  [[nodiscard]] Result<net::Flow> on_part(std::span<const std::byte> bytes) override;
  [[nodiscard]] Result<void> complete() override;

  std::optional<DavProperties> properties_;
  PropfindParser parser_;
};

}  // namespace nithronfs::remote

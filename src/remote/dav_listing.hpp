// Makes entries out of the rows of a PROPFIND answer: decides which rows can be believed, finds duplicates,
// and keeps the bounds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "nithronfs/remote/remote.hpp"
#include "remote/propfind_parser.hpp"

namespace nithronfs::remote {

// The text of the PROPFIND request for listings and stat.
[[nodiscard]] std::string_view listing_request_body();
// The same for space().
[[nodiscard]] std::string_view quota_request_body();

// The version part of one row, or why it makes no sense.
struct RowContent {
  Kind kind = Kind::file;
  Version version;
};
[[nodiscard]] std::expected<RowContent, std::string_view> read_row(const DavProperties& properties);

// A non-negative decimal number below 2^63; nothing for anything else.
[[nodiscard]] std::optional<std::uint64_t> parse_count(std::string_view text);

class DavListing {
 public:
  static constexpr std::size_t kMaxEntries = 1'000'000;

  // `collection` is the decoded path that was asked for, without trailing slash. Without a receiver only the
  // entry itself is looked for (Depth 0).
  DavListing(std::string collection, std::shared_ptr<ListingReceiver> receiver);

  // False when the listing is over: see failure().
  [[nodiscard]] bool add(const DavRow& row);
  // Why add() said false.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  // The entry of what was asked for itself. Errors: protocol when the answer had none, not_found.
  [[nodiscard]] Result<Entry> self() const;

 private:
  // Two 64-bit hashes of a name: for a million names the chance that two different ones look alike is below
  // 1e-26, and the memory per name does not depend on its length.
  struct Fingerprint {
    std::uint64_t first;
    std::uint64_t second;
    bool operator==(const Fingerprint&) const = default;
  };
  struct FingerprintHash {
    std::size_t operator()(const Fingerprint& print) const { return print.first; }
  };
  [[nodiscard]] bool is_duplicate(const std::string& name);
  [[nodiscard]] bool add_self(const DavRow& row);
  [[nodiscard]] bool add_member(std::string name, const DavRow& row);
  [[nodiscard]] bool refuse(const DavRow& row, std::string_view reason);
  [[nodiscard]] bool end_with(Errc code, std::string message);

  const std::string collection_;
  const std::shared_ptr<ListingReceiver> receiver_;
  std::unordered_set<Fingerprint, FingerprintHash> seen_;
  std::size_t rows_ = 0;
  std::optional<Entry> self_;
  int self_status_ = 0;
  std::optional<Error> failure_;
};

}  // namespace nithronfs::remote

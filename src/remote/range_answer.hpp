// The answer to a read: proves, before a byte is handed on, that it is the range and the version that were
// asked for, and counts the bytes (S2, S5).
#pragma once

#include "nithronfs/remote/remote.hpp"
#include "remote/answer.hpp"

namespace nithronfs::remote {

// Whether `etag` may stand in If-Match: strong, as RFC 9110 writes it.
[[nodiscard]] bool is_strong(std::string_view etag);
// Equal as opaque tags, weak or strong (R9).
[[nodiscard]] bool same_tag(std::string_view a, std::string_view b);

// "bytes FIRST-LAST/TOTAL" with the total known.
struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t total = 0;
};
[[nodiscard]] std::optional<ContentRange> parse_content_range(std::string_view value);

class RangeAnswer final : public Answer {
 public:
  // A server that ignores Range sends the file from its start; reading past more than this is no use.
  static constexpr std::uint64_t kMaxSkip = std::uint64_t{64} << 20;

  RangeAnswer(Version version, ByteRange range, std::shared_ptr<BytesReceiver> receiver);

 private:
  [[nodiscard]] Result<Verdict> judge(const net::ResponseHead& head) override;
  [[nodiscard]] Result<net::Flow> on_part(std::span<const std::byte> bytes) override;
  [[nodiscard]] Result<void> complete() override;
  [[nodiscard]] bool satisfied() const override { return enough_; }
  [[nodiscard]] Error explain() const override;

  [[nodiscard]] Result<void> check_version(const net::ResponseHead& head) const;
  [[nodiscard]] Result<void> check_partial(const net::ResponseHead& head) const;
  [[nodiscard]] Result<void> check_whole(const net::ResponseHead& head) const;

  const Version version_;
  const ByteRange range_;
  const std::shared_ptr<BytesReceiver> receiver_;
  std::uint64_t to_skip_ = 0;
  std::uint64_t received_ = 0;
  bool enough_ = false;  // of a whole file, nothing more is needed
  bool whole_ = false;   // status 200: all of the file comes, whatever was asked for
};

}  // namespace nithronfs::remote

// One request for a stretch of a file: receives the bytes and hands them to its File.
#pragma once

#include <memory>
#include <optional>

#include "nithronfs/cache/extents.hpp"
#include "nithronfs/remote/remote.hpp"

namespace nithronfs::cache {

class File;

// What a fetch is for.
struct FetchSpec {
  Extent extent;
  net::Priority priority = net::Priority::foreground;
  std::uint64_t stream = 0;  // the reader that it serves; ends with that reader when nobody waits
  unsigned attempt = 0;      // how often its beginning was asked for before
};

// The last group of members is guarded by the mutex of the File.
class Fetch final : public remote::BytesReceiver {
 public:
  Fetch(std::shared_ptr<File> file, const FetchSpec& spec)
      : extent(spec.extent),
        priority(spec.priority),
        stream(spec.stream),
        attempt(spec.attempt),
        position(spec.extent.begin),
        visible(spec.extent.begin),
        file_(std::move(file)) {}

  net::Flow on_bytes(std::uint64_t offset, std::span<const std::byte> bytes) override;
  [[nodiscard]] CancelToken token() const { return cancel_.token(); }
  void cancel() { cancel_.cancel(); }

  const Extent extent;
  const net::Priority priority;
  const std::uint64_t stream;
  const unsigned attempt;

  std::uint64_t position;        // bytes before it arrived
  std::uint64_t visible;         // bytes before it may be read
  std::optional<Error> failure;  // ours, not the server's: the disk
  bool abandoned = false;        // cancelled: nobody may count on it any more

 private:
  const std::shared_ptr<File> file_;
  CancelSource cancel_;
};

}  // namespace nithronfs::cache

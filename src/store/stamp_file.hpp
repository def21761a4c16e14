// The stamp beside a disposable database, as a file.
//
// Format 1, four lines of text, each ended by a newline:
//
//     nithronfs index stamp 1
//     schema 7
//     boot 0b8b9c2e-3f0e-4a57-9f5e-6f8f5c7b0d11
//     closed no
//
// `closed` is `yes` from a clean close to the next open. Text, because the first thing one wants to do with
// it is to read it; not inside the database, because it decides whether the database may be looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "nithronfs/util/result.hpp"

namespace nithronfs::store {

struct Stamp {
  std::uint32_t schema = 0;
  std::string boot_id;
  bool closed_cleanly = false;
  friend bool operator==(const Stamp&, const Stamp&) = default;
};

[[nodiscard]] std::string encode_stamp(const Stamp& stamp);
// Nothing for anything but exactly format 1.
[[nodiscard]] std::optional<Stamp> decode_stamp(std::string_view text);

// Nothing when there is none or it cannot be understood. Errors: io, permission.
[[nodiscard]] Result<std::optional<Stamp>> read_stamp(int directory_fd);
// Replaces it atomically; when this returns, the new one survives a power cut. Errors: no_space, io,
// permission.
[[nodiscard]] Result<void> write_stamp(int directory_fd, const Stamp& stamp);

}  // namespace nithronfs::store

// HTTP-dates (RFC 9110, 5.6.7) as servers write them.
#pragma once

#include <optional>
#include <string_view>

#include "nithronfs/util/time.hpp"

namespace nithronfs::net {

// Accepts all three forms: IMF-fixdate, RFC 850 (years 70-99 are 19xx, 00-69 are 20xx) and asctime. The day
// of the week is not checked against the date. Nothing for anything else.
[[nodiscard]] std::optional<Timestamp> parse_http_date(std::string_view text);

}  // namespace nithronfs::net

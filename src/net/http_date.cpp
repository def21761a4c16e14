// Reads the three forms of an HTTP-date without locale, time zone or global state.
#include "nithronfs/net/http_date.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace nithronfs::net {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Consumes the text from the left; every step fails once one has failed.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  Reader& literal(std::string_view expected) {
    if (!rest_.starts_with(expected)) return fail();
    rest_.remove_prefix(expected.size());
    return *this;
  }
  Reader& digits(std::size_t count, int& out) {
    if (rest_.size() < count) return fail();
    out = 0;
    for (const char c : rest_.substr(0, count)) {
      if (c < '0' || c > '9') return fail();
      out = out * 10 + (c - '0');
    }
    rest_.remove_prefix(count);
    return *this;
  }
  // asctime pads the day with a space.
  Reader& padded_day(int& out) {
    if (!rest_.starts_with(' ')) return digits(2, out);
    rest_.remove_prefix(1);
    return digits(1, out);
  }
  Reader& month(int& out) {
    const auto* found = std::ranges::find(kMonths, rest_.substr(0, 3));
    if (found == kMonths.end()) return fail();
    out = static_cast<int>(found - kMonths.begin()) + 1;
    rest_.remove_prefix(3);
    return *this;
  }
  Reader& time(int& hour, int& minute, int& second) {
    return digits(2, hour).literal(":").digits(2, minute).literal(":").digits(2, second);
  }
  [[nodiscard]] bool finished() const { return ok_ && rest_.empty(); }

 private:
  Reader& fail() {
    ok_ = false;
    rest_ = {};
    return *this;
  }
  std::string_view rest_;
  bool ok_ = true;
};

struct Fields {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

std::optional<Timestamp> to_timestamp(const Fields& f) {
  const std::chrono::year_month_day date{std::chrono::year{f.year},
                                         std::chrono::month{static_cast<unsigned>(f.month)},
                                         std::chrono::day{static_cast<unsigned>(f.day)}};
  // 60 is a leap second.
  if (!date.ok() || f.hour > 23 || f.minute > 59 || f.second > 60) return std::nullopt;
  const auto days = std::chrono::sys_days{date}.time_since_epoch();
  const std::int64_t seconds = std::chrono::seconds{days}.count() + f.hour * 3600 + f.minute * 60 + f.second;
  return Timestamp{.seconds = seconds, .nanoseconds = 0};
}

bool is_letters(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
}

}  // namespace

std::optional<Timestamp> parse_http_date(std::string_view text) {
  const auto weekday_end = text.find_first_of(", ");
  if (weekday_end == std::string_view::npos || !is_letters(text.substr(0, weekday_end))) return std::nullopt;
  Reader reader(text.substr(weekday_end));
  Fields f;
  if (text[weekday_end] == ' ') {  // Sun Nov  6 08:49:37 1994
    reader.literal(" ").month(f.month).literal(" ").padded_day(f.day).literal(" ");
    reader.time(f.hour, f.minute, f.second).literal(" ").digits(4, f.year);
  } else if (text.find('-') == std::string_view::npos) {  // Sun, 06 Nov 1994 08:49:37 GMT
    reader.literal(", ").digits(2, f.day).literal(" ").month(f.month).literal(" ").digits(4, f.year);
    reader.literal(" ").time(f.hour, f.minute, f.second).literal(" GMT");
  } else {  // Sunday, 06-Nov-94 08:49:37 GMT
    reader.literal(", ").digits(2, f.day).literal("-").month(f.month).literal("-").digits(2, f.year);
    reader.literal(" ").time(f.hour, f.minute, f.second).literal(" GMT");
    f.year += f.year >= 70 ? 1900 : 2000;
  }
  if (!reader.finished()) return std::nullopt;
  return to_timestamp(f);
}

}  // namespace nithronfs::net

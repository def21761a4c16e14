// Units, ranges and spellings of option values.
#include "values.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "text.hpp"

namespace nithronfs::config {

namespace {

// Splits "20G" into 20 and "G". False when there are no digits or too many.
bool read_digits(std::string_view& text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool is_base64_of_32_bytes(std::string_view text) {
  if (text.size() != 44 || !text.ends_with('=')) return false;
  return std::ranges::all_of(text.substr(0, 43), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  });
}

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};
constexpr std::array kUnits{
    Unit{"h", 3'600'000'000'000},
    Unit{"m", 60'000'000'000},
    Unit{"s", 1'000'000'000},
    Unit{"ms", 1'000'000},
};

}  // namespace

Result<bool> parse_flag(std::string_view text) {
  const std::string word = lower(text);
  if (word == "yes" || word == "true" || word == "on" || word == "1") return true;
  if (word == "no" || word == "false" || word == "off" || word == "0") return false;
  return fail(Errc::invalid_argument, "takes no value, or yes or no");
}

Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t max) {
  std::uint64_t value = 0;
  if (!read_digits(text, value) || !text.empty() || value > max) {
    return fail(Errc::invalid_argument, fmt::format("wants a whole number from 0 to {}", max));
  }
  return value;
}

Result<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view kSuffixes = "kmgtp";
  std::uint64_t value = 0;
  const auto wrong = fail(Errc::invalid_argument, "wants a size such as 500M, 20G or 1T");
  if (!read_digits(text, value)) return wrong;
  const std::string suffix = lower(text);
  if (suffix.empty()) return value;
  const auto power = kSuffixes.find(suffix.front());
  if (power == std::string_view::npos || (suffix.size() > 1 && suffix.substr(1) != "ib")) return wrong;
  const unsigned shift = 10 * (static_cast<unsigned>(power) + 1);
  if (value > (std::numeric_limits<std::uint64_t>::max() >> shift)) return wrong;
  return value << shift;
}

Result<Space> parse_space(std::string_view text) {
  if (!text.ends_with('%')) {
    auto bytes = parse_size(text);
    if (!bytes) return fail(Errc::invalid_argument, "wants a size such as 20G, or a percentage such as 10%");
    return Space{.bytes = *bytes};
  }
  const auto percent = parse_number(text.substr(0, text.size() - 1), 100);
  if (!percent || *percent == 0) {
    return fail(Errc::invalid_argument, "wants a percentage from 1% to 100%");
  }
  return Space{.percent = static_cast<unsigned>(*percent)};
}

Result<std::uint64_t> parse_rate(std::string_view text) {
  if (text.ends_with("/s")) text.remove_suffix(2);
  auto rate = parse_size(text);
  if (!rate) return fail(Errc::invalid_argument, "wants bytes per second such as 500K or 10M; 0 is no limit");
  return rate;
}

Result<Nanos> parse_duration(std::string_view text, Nanos min, Nanos max) {
  const auto wrong =
      fail(Errc::invalid_argument, fmt::format("wants a time from {} to {}, such as 500ms, 10s or 2m",
                                               show_duration(min), show_duration(max)));
  std::uint64_t value = 0;
  if (!read_digits(text, value)) return wrong;
  const std::string_view name = text.empty() ? "s" : text;
  const auto* const unit = std::ranges::find(kUnits, name, &Unit::name);
  if (unit == kUnits.end()) return wrong;
  const auto largest = static_cast<std::uint64_t>(max.count() / unit->nanoseconds);
  if (value > largest) return wrong;
  const Nanos duration{static_cast<std::int64_t>(value) * unit->nanoseconds};
  if (duration < min) return wrong;
  return duration;
}

Result<unsigned> parse_mode(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
  if (error != std::errc{} || end != text.data() + text.size() || value > 0777) {
    return fail(Errc::invalid_argument, "wants octal permission bits from 0 to 0777");
  }
  return value;
}

Result<std::string> parse_absolute_path(std::string_view text) {
  if (!text.starts_with('/') || text.find('\0') != std::string_view::npos) {
    return fail(Errc::invalid_argument, "wants an absolute path");
  }
  return std::string(text);
}

Result<std::string> parse_endpoint(std::string_view text) {
  const auto wrong = fail(Errc::invalid_argument, "wants ADDRESS:PORT, such as 127.0.0.1:9100 or [::1]:9100");
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong;
  const auto port = parse_number(text.substr(colon + 1), 65535);
  std::string address(text.substr(0, colon));
  const bool bracketed = address.starts_with('[') && address.ends_with(']');
  if (bracketed) address = address.substr(1, address.size() - 2);
  std::array<unsigned char, sizeof(in6_addr)> binary{};
  if (!port || *port == 0) return wrong;
  if (inet_pton(bracketed ? AF_INET6 : AF_INET, address.c_str(), binary.data()) != 1) return wrong;
  return std::string(text);
}

Result<std::string> parse_pinned_key(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256//";
  std::string_view rest = text;
  while (true) {
    const auto key = rest.substr(0, rest.find(';'));
    if (!key.starts_with(kPrefix) || !is_base64_of_32_bytes(key.substr(kPrefix.size()))) {
      return fail(Errc::invalid_argument,
                  "wants sha256// and 44 characters of base64; several separated by ';'");
    }
    if (key.size() == rest.size()) return std::string(text);
    rest.remove_prefix(key.size() + 1);
  }
}

std::string show_size(std::uint64_t bytes) {
  constexpr std::string_view kSuffixes = "KMGTP";
  std::size_t power = 0;
  while (power < kSuffixes.size() && bytes != 0 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++power;
  }
  return power == 0 ? fmt::format("{}", bytes) : fmt::format("{}{}", bytes, kSuffixes[power - 1]);
}

std::string show_space(const Space& space) {
  return space.percent != 0 ? fmt::format("{}%", space.percent) : show_size(space.bytes);
}

std::string show_duration(Nanos duration) {
  for (const Unit& unit : kUnits) {
    if (duration.count() != 0 && duration.count() % unit.nanoseconds == 0) {
      return fmt::format("{}{}", duration.count() / unit.nanoseconds, unit.name);
    }
  }
  return "0s";
}

std::string show_mode(unsigned mode) {
  return fmt::format("0{:03o}", mode);
}

}  // namespace nithronfs::config

// Splitting option strings and applying single options by the table.
#include "nithronfs/config/options.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "text.hpp"

namespace nithronfs::config {

namespace {

// Values that only other programs read: systemd's x-systemd.*, libmount's comment=.
bool for_other_programs(const Setting& setting) {
  return setting.name.starts_with("x-") || setting.name.starts_with("X-") || setting.name == "comment";
}

std::unexpected<Error> unknown_option(std::string_view name) {
  std::vector<std::string_view> names;
  for (const OptionInfo& option : option_table()) names.push_back(option.name);
  for (const GenericOptionInfo& option : generic_option_table()) names.push_back(option.name);
  const auto guess = nearest(name, names);
  return fail(Errc::invalid_argument,
              guess ? fmt::format("unknown option \"{}\"; did you mean \"{}\"?", printable(name), *guess)
                    : fmt::format("unknown option \"{}\"; nithronfs --help lists them", printable(name)));
}

Result<void> apply_own(MountOptions& options, const OptionInfo& option, const Setting& setting) {
  if (!setting.value && option.kind != ValueKind::flag) {
    return fail(Errc::invalid_argument,
                fmt::format("option {0} wants a value: {0}={1}", option.name, option.placeholder));
  }
  if (auto done = option.apply(options, setting.value.value_or("yes")); !done) {
    return fail(Errc::invalid_argument,
                fmt::format("option {} {} (it was given \"{}\")", option.name, done.error().message,
                            printable(setting.value.value_or(""))));
  }
  if (option.effect == Effect::refused) {
    return fail(Errc::not_supported, fmt::format("option {} is not offered: {}", option.name, option.reason));
  }
  return {};
}

Result<void> apply_generic(MountOptions& options, const GenericOptionInfo& option, const Setting& setting) {
  // fstab's `user=NAME` is how libmount remembers who mounted.
  if (setting.value && option.name != "user") {
    return fail(Errc::invalid_argument, fmt::format("option {} takes no value", option.name));
  }
  if (option.effect == Effect::refused) {
    return fail(Errc::not_supported, fmt::format("option {} is not offered: {}", option.name, option.help));
  }
  if (option.apply != nullptr) option.apply(options);
  return {};
}

}  // namespace

std::uint64_t Space::of(std::uint64_t file_system_bytes) const {
  return percent == 0 ? bytes : file_system_bytes / 100 * percent;
}

Result<std::vector<Setting>> split_options(std::string_view text) {
  std::vector<Setting> settings;
  std::string item;
  bool quoted = false;
  const auto finish_item = [&] {
    if (item.empty()) return;  // ",," as in many an fstab
    const auto equals = item.find('=');
    if (equals == std::string::npos) {
      settings.push_back({.name = item, .value = std::nullopt});
    } else {
      settings.push_back({.name = item.substr(0, equals), .value = item.substr(equals + 1)});
    }
    item.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      quoted = !quoted;
    } else if (c == '\\' && i + 1 < text.size() &&
               (text[i + 1] == ',' || text[i + 1] == '\\' || text[i + 1] == '"')) {
      item += text[++i];
    } else if (c == ',' && !quoted) {
      finish_item();
    } else {
      item += c;
    }
  }
  if (quoted) return fail(Errc::invalid_argument, "the options after -o have a \" without its partner");
  finish_item();
  return settings;
}

Result<void> apply_option(MountOptions& options, const Setting& setting, Unknown unknown) {
  const auto own = std::ranges::find(option_table(), setting.name, &OptionInfo::name);
  if (own != option_table().end()) return apply_own(options, *own, setting);
  const auto generic = std::ranges::find(generic_option_table(), setting.name, &GenericOptionInfo::name);
  if (generic != generic_option_table().end()) return apply_generic(options, *generic, setting);
  if (for_other_programs(setting) || unknown == Unknown::ignore) return {};
  return unknown_option(setting.name);
}

}  // namespace nithronfs::config

// Reads sync.json strictly: whatever it does not understand is an error with a place.
#include "nithronfs/config/config_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>

#include "nithronfs/util/unique_fd.hpp"
#include "text.hpp"

namespace nithronfs::config {

namespace {

using nlohmann::json;

constexpr std::size_t kMaxBytes = 1 << 20;

std::unexpected<Error> wrong(const std::string& file, std::string_view field, std::string_view what) {
  return fail(Errc::invalid_argument, fmt::format("{}: \"{}\" {}", file, printable(field), what));
}

// JSON itself keeps the last of two equal names without a word.
class DuplicateFinder {
 public:
  bool operator()(int /*depth*/, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) open_.emplace_back();
    if (event == json::parse_event_t::object_end) open_.pop_back();
    if (event == json::parse_event_t::key && !open_.back().insert(value.get<std::string>()).second) {
      duplicate = value.get<std::string>();
    }
    return true;
  }
  std::optional<std::string> duplicate;

 private:
  std::vector<std::set<std::string>> open_;
};

Result<json> parse_strictly(std::string_view text, const std::string& name) {
  DuplicateFinder finder;
  json document;
  try {
    document = json::parse(text, std::ref(finder));
  } catch (const json::exception& error) {
    // The library's message has the place: "... parse error at line 3, column 5: ...".
    const std::string_view message(error.what());
    const auto place = message.find("parse error");
    return fail(
        Errc::invalid_argument,
        fmt::format("{}: {}", name, place == std::string_view::npos ? message : message.substr(place)));
  }
  if (finder.duplicate) return wrong(name, *finder.duplicate, "appears twice in one object");
  return document;
}

// JSON's way to write a value as the command line's.
Result<std::string> to_text(const OptionInfo& option, const json& value) {
  if (option.kind == ValueKind::flag) {
    if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
    return fail(Errc::invalid_argument, "wants true or false");
  }
  // Modes are octal, and JSON's numbers are not.
  if (value.is_number_unsigned() && option.kind != ValueKind::mode) {
    return fmt::format("{}", value.get<std::uint64_t>());
  }
  if (value.is_string()) return value.get<std::string>();
  return fail(Errc::invalid_argument, fmt::format("wants text: {}", option.placeholder));
}

// Checks each value right here, so that a mistake is reported also when this mount does not use it.
Result<Setting> read_setting(const std::string& file, const std::string& field, const std::string& key,
                             const json& value) {
  const auto option = std::ranges::find(option_table(), key, &OptionInfo::name);
  if (option == option_table().end()) {
    std::vector<std::string_view> names{"mounts"};
    for (const OptionInfo& known : option_table()) names.push_back(known.name);
    const auto guess = nearest(key, names);
    return wrong(file, field,
                 guess ? fmt::format("is unknown; did you mean \"{}\"?", *guess)
                       : "is unknown; see nithronfs.conf(5)");
  }
  auto text = to_text(*option, value);
  if (!text) return wrong(file, field, text.error().message);
  Setting setting{.name = key, .value = std::move(*text)};
  MountOptions scratch;
  if (auto done = apply_option(scratch, setting); !done) {
    return fail(done.error().code,
                fmt::format("{}: \"{}\": {}", file, printable(field), done.error().message));
  }
  return setting;
}

Result<std::vector<Setting>> read_settings(const std::string& file, const std::string& prefix,
                                           const json& object) {
  std::vector<Setting> settings;
  for (const auto& [key, value] : object.items()) {
    if (prefix.empty() && key == "mounts") continue;
    auto setting = read_setting(file, prefix + key, key, value);
    if (!setting) return fail(std::move(setting.error()));
    settings.push_back(std::move(*setting));
  }
  return settings;
}

Result<ConfigFile::Mount> read_mount(const std::string& file, const std::string& key, const json& value) {
  auto url = parse_mount_url(key);
  if (!url) return wrong(file, "mounts", fmt::format("has a {}", url.error().message));
  const std::string field = "mounts." + url->to_string();
  if (!value.is_object()) return wrong(file, field, "wants an object with options: { … }");
  auto settings = read_settings(file, field + ".", value);
  if (!settings) return fail(std::move(settings.error()));
  return ConfigFile::Mount{.url = std::move(*url), .settings = std::move(*settings)};
}

Result<std::string> read_all(int fd, const std::string& path) {
  std::string text;
  std::array<char, 16384> buffer{};
  while (true) {
    const ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(system_error(fmt::format("cannot read {}", path), errno));
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > kMaxBytes) {
      return fail(Errc::too_large,
                  fmt::format("{} is larger than 1 MiB; this is no configuration file", path));
    }
  }
}

}  // namespace

Result<ConfigFile> parse_config(std::string_view text, const std::string& name) {
  auto document = parse_strictly(text, name);
  if (!document) return fail(std::move(document.error()));
  if (!document->is_object()) {
    return fail(Errc::invalid_argument, fmt::format("{}: must be one JSON object: {{ … }}", name));
  }
  ConfigFile file;
  auto settings = read_settings(name, "", *document);
  if (!settings) return fail(std::move(settings.error()));
  file.settings = std::move(*settings);
  const auto mounts = document->find("mounts");
  if (mounts == document->end()) return file;
  if (!mounts->is_object()) return wrong(name, "mounts", "wants an object with one URL per entry");
  for (const auto& [key, value] : mounts->items()) {
    auto mount = read_mount(name, key, value);
    if (!mount) return fail(std::move(mount.error()));
    if (std::ranges::find(file.mounts, mount->url, &ConfigFile::Mount::url) != file.mounts.end()) {
      return wrong(name, mount->url.to_string(), "appears twice under \"mounts\", in two spellings");
    }
    file.mounts.push_back(std::move(*mount));
  }
  return file;
}

Result<ConfigFile> read_config_file(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) return ConfigFile{};
  if (!fd) return fail(system_error(fmt::format("cannot open {}", path), errno));
  auto text = read_all(fd.get(), path);
  if (!text) return fail(std::move(text.error()));
  return parse_config(*text, path);
}

}  // namespace nithronfs::config

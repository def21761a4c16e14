// Ranks the sources of options and derives the places and the identity of a mount.
#include "nithronfs/config/mount_config.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace nithronfs::config {

namespace {

// Unix socket addresses hold 108 bytes with the final NUL.
constexpr std::size_t kMaxSocketPath = 107;

// On the command line a path may be relative to where the user stands.
Setting made_absolute(Setting setting, const Environment& environment) {
  const auto option = std::ranges::find(option_table(), setting.name, &OptionInfo::name);
  if (option != option_table().end() && option->kind == ValueKind::path && setting.value &&
      !setting.value->empty()) {
    setting.value = environment.absolute(*setting.value);
  }
  return setting;
}

// Lowest rank first: each later setting replaces an earlier one of its name.
std::vector<Setting> by_rank(const DaemonArguments& arguments, const ConfigFile& file, const MountUrl& url,
                             const Environment& environment) {
  std::vector<Setting> settings = file.settings;
  const auto mount = std::ranges::find(file.mounts, url, &ConfigFile::Mount::url);
  if (mount != file.mounts.end()) {
    settings.insert(settings.end(), mount->settings.begin(), mount->settings.end());
  }
  for (const Setting& setting : arguments.settings) settings.push_back(made_absolute(setting, environment));
  return settings;
}

std::vector<std::string> notes_about(const std::vector<Setting>& settings) {
  std::vector<std::string> notes;
  for (const OptionInfo& option : option_table()) {
    const bool given = std::ranges::find(settings, option.name, &Setting::name) != settings.end();
    if (given && option.effect == Effect::harmless) {
      notes.push_back(fmt::format("option {} does nothing: {}", option.name, option.reason));
    }
  }
  return notes;
}

Result<void> settle_share(MountConfig& config) {
  const std::string& wanted = config.options.share;
  if (wanted.empty()) return {};
  if (config.url.protocol == MountUrl::Protocol::webdav) {
    return fail(Errc::invalid_argument,
                "option share is for NithronOS servers; put the path into the webdav+ URL");
  }
  if (!config.url.share.empty() && config.url.share != wanted) {
    return fail(Errc::invalid_argument,
                fmt::format("the URL names the share \"{}\", the option share=\"{}\"; say one of them",
                            config.url.share, wanted));
  }
  config.url.share = wanted;
  return {};
}

void settle_places(MountConfig& config) {
  const MountOptions& options = config.options;
  config.id = mount_id(config.url, options.account, options.state_dir);
  const auto place = [&](const std::string& chosen, const std::string& usual) {
    return (chosen.empty() ? usual : chosen) + "/" + config.id;
  };
  config.cache_dir = place(options.cache_dir, config.paths.cache_dir);
  config.state_dir = place(options.state_dir, config.paths.state_dir);
  config.socket_path = fmt::format("{}/{}.sock", config.paths.runtime_dir, config.id);
}

}  // namespace

Result<MountConfig> resolve(const DaemonArguments& arguments, const ConfigFile& file,
                            const Environment& environment) {
  auto url = parse_mount_url(arguments.url);
  if (!url) return fail(std::move(url.error()));
  MountConfig config{.url = std::move(*url),
                     .mountpoint = environment.absolute(arguments.mountpoint),
                     .paths = find_paths(environment)};
  const auto settings = by_rank(arguments, file, config.url, environment);
  const Unknown unknown = arguments.sloppy ? Unknown::ignore : Unknown::refuse;
  for (const Setting& setting : settings) {
    if (auto done = apply_option(config.options, setting, unknown); !done)
      return fail(std::move(done.error()));
  }
  if (arguments.debug) config.options.log_level = LogLevel::debug;
  config.notes = notes_about(settings);
  config.allow_other = config.options.allow_other.value_or(environment.root());
  if (auto done = check_transport(config.url, config.options.insecure); !done)
    return fail(std::move(done.error()));
  if (auto done = settle_share(config); !done) return fail(std::move(done.error()));
  settle_places(config);
  if (config.socket_path.size() > kMaxSocketPath) {
    return fail(Errc::name_too_long, fmt::format("{} is too long a name for a socket; choose a shorter "
                                                 "XDG_RUNTIME_DIR",
                                                 config.socket_path));
  }
  return config;
}

Result<MountConfig> load_mount_config(const DaemonArguments& arguments, const Environment& environment) {
  auto file = read_config_file(find_paths(environment).config_file);
  if (!file) return fail(std::move(file.error()));
  return resolve(arguments, *file, environment);
}

std::string mount_id(const MountUrl& url, std::string_view account, std::string_view state_dir) {
  // NUL cannot occur in the parts, so no two lists of parts give one text. The number is the scheme's
  // version.
  std::string text = "nithronfs mount 1";
  const std::string place = url.to_string();
  for (const std::string_view part : {std::string_view(place), account, state_dir}) {
    text += '\0';
    text += part;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  const int done = EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr);
  if (done != 1 || length < 8) std::abort();  // SHA-256 of a short text fails for want of memory only
  std::string id;
  for (std::size_t i = 0; i < 8; ++i) id += fmt::format("{:02x}", digest[i]);
  return id;
}

std::string to_json(const MountConfig& config) {
  nlohmann::ordered_json options;
  for (const OptionInfo& option : option_table()) {
    const std::string value = option.show(config.options);
    if (option.kind == ValueKind::flag && !value.empty()) {
      options[std::string(option.name)] = value == "yes";
    } else {
      options[std::string(option.name)] =
          value.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(value);
    }
  }
  options["share"] =
      config.url.share.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(config.url.share);
  options["allow_other"] = config.allow_other;
  const nlohmann::ordered_json document{
      {"url", config.url.to_string()},
      {"mountpoint", config.mountpoint},
      {"id", config.id},
      {"cache_dir", config.cache_dir},
      {"state_dir", config.state_dir},
      {"socket", config.socket_path},
      {"config_file", config.paths.config_file},
      {"options", options},
      {"notes", config.notes},
  };
  return document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace nithronfs::config

// Directories by user, root and unit; and the check that a directory is private.
#include "nithronfs/config/paths.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

namespace nithronfs::config {

namespace {

// The XDG specification: a relative value is to be ignored.
std::string xdg(const Environment& environment, std::string_view variable, const std::string& fallback) {
  const auto value = environment.get(variable);
  return value && value->starts_with('/') ? *value : fallback;
}

// systemd separates several directories of a unit by colons; the first one is ours.
std::string unit_directory(const Environment& environment, std::string_view variable, std::string fallback) {
  const auto value = environment.get(variable);
  if (!value || !value->starts_with('/')) return fallback;
  return value->substr(0, value->find(':'));
}

Paths default_paths(const Environment& environment) {
  if (environment.root()) {
    return {.cache_dir = "/var/cache/nithronfs",
            .state_dir = "/var/lib/nithronfs",
            .config_dir = "/etc/nithronfs",
            .config_file = "",
            .runtime_dir = "/run/nithronfs"};
  }
  const std::string& home = environment.home;
  const std::string runtime = xdg(environment, "XDG_RUNTIME_DIR", "");
  return {.cache_dir = xdg(environment, "XDG_CACHE_HOME", home + "/.cache") + "/nithronfs",
          .state_dir = xdg(environment, "XDG_STATE_HOME", home + "/.local/state") + "/nithronfs",
          .config_dir = xdg(environment, "XDG_CONFIG_HOME", home + "/.config") + "/nithronos",
          .config_file = "",
          .runtime_dir =
              runtime.empty() ? fmt::format("/tmp/nithronfs-{}", environment.uid) : runtime + "/nithronfs"};
}

std::string home_from_passwd(uid_t uid) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return "/";
  return entry.pw_dir;
}

}  // namespace

std::optional<std::string> Environment::get(std::string_view name) const {
  const auto found = variables.find(name);
  if (found == variables.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

std::string Environment::absolute(std::string_view path) const {
  std::string result = (std::filesystem::path(working_directory) / path).lexically_normal().string();
  if (result.size() > 1 && result.ends_with('/')) result.pop_back();
  return result;
}

Environment process_environment() {
  Environment environment{.uid = geteuid()};
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  const auto home = environment.get("HOME");
  environment.home = home && home->starts_with('/') ? *home : home_from_passwd(environment.uid);
  std::error_code error;
  environment.working_directory = std::filesystem::current_path(error).string();
  if (error) environment.working_directory = std::string(1, '/');
  return environment;
}

Paths find_paths(const Environment& environment) {
  Paths paths = default_paths(environment);
  paths.cache_dir = unit_directory(environment, "CACHE_DIRECTORY", paths.cache_dir);
  paths.state_dir = unit_directory(environment, "STATE_DIRECTORY", paths.state_dir);
  paths.config_dir = unit_directory(environment, "CONFIGURATION_DIRECTORY", paths.config_dir);
  paths.runtime_dir = unit_directory(environment, "RUNTIME_DIRECTORY", paths.runtime_dir);
  paths.config_file = paths.config_dir + "/sync.json";
  return paths;
}

Result<void> make_private_directory(const std::string& path) {
  const std::filesystem::path full(path);
  if (full.has_parent_path() && full.parent_path() != full) {
    std::error_code error;
    std::filesystem::create_directories(full.parent_path(), error);
    if (error)
      return fail(system_error(fmt::format("cannot create {}", full.parent_path().string()), error.value()));
  }
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail(system_error(fmt::format("cannot create {}", path), errno));
  }
  // lstat: in /tmp, a symbolic link may be somebody's trap.
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) return fail(system_error(path, errno));
  if (!S_ISDIR(status.st_mode)) return fail(Errc::not_directory, fmt::format("{} is not a directory", path));
  if (status.st_uid != geteuid() || (status.st_mode & 022) != 0) {
    return fail(Errc::permission,
                fmt::format("{} belongs to another user, or others may write there; it must be "
                            "yours alone (chmod 0700)",
                            path));
  }
  return {};
}

}  // namespace nithronfs::config

// A command and a mount of one URL must mean the same server and account: both ask config.
#include "target.hpp"

#include <array>
#include <utility>

#include "nithronfs/config/mount_config.hpp"

namespace nithronfs::cli {

Result<Target> target_of(const std::string& url, const Invocation& invocation, const Context& context) {
  constexpr std::array kSettings{std::pair{"--account", "account"}, std::pair{"--ca", "ca"},
                                 std::pair{"--pinnedpubkey", "pinnedpubkey"},
                                 std::pair{"--insecure", "insecure"}};
  config::DaemonArguments arguments{.url = url, .mountpoint = "/"};
  for (const auto& [option, setting] : kSettings) {
    const auto value = invocation.get(option);
    if (!value) continue;
    const bool flag = value->empty() && std::string_view(setting) == "insecure";
    arguments.settings.push_back({.name = setting, .value = flag ? std::nullopt : value});
  }
  auto config = config::load_mount_config(arguments, context.environment);
  if (!config) return fail(std::move(config.error()));
  if (config->url.protocol != config::MountUrl::Protocol::nithron) {
    return fail(Errc::invalid_argument,
                "a plain WebDAV server knows neither devices nor shares; its name and password "
                "stand in a file, see the option account in nithronfs.conf(5)");
  }
  const std::string origin = config->url.origin();
  const std::string& chosen = config->options.account;
  return Target{.connection = {.origin = origin,
                               .ca = config->options.ca,
                               .pinned_pubkey = config->options.pinnedpubkey,
                               .insecure = config->options.insecure,
                               .timeout = config->options.timeout},
                .account_file =
                    chosen.empty() ? remote::default_account_path(config->paths.config_dir, origin) : chosen};
}

}  // namespace nithronfs::cli

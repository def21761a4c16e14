// What --help and --version print; the options come from the table.
#include <fmt/format.h>

#include "nithronfs/config/arguments.hpp"

namespace nithronfs::config {

namespace {

constexpr std::string_view kDaemonUsage =
    R"(Usage: nithronfs URL MOUNTPOINT [-o OPTION[,OPTION…]]… [-f] [-d]

Shows the shares of a NithronOS server as a directory tree.

URL is https://HOST[:PORT] for all shares, https://HOST/SHARE-NAME for one of
them, or webdav+https://HOST/PATH for a plain WebDAV server. Register this
machine with `nithronctl login https://HOST` first.

  -o OPTIONS       mount options, separated by commas (below)
  -f               stay in the foreground, log to standard error
  -d               as -f, with debugging messages
  --show-config    print the effective options as JSON and end
  -h, --help       print this and end
  -V, --version    print the version and end
)";

constexpr std::string_view kHelperUsage =
    R"(Usage: mount.nithronfs URL DIRECTORY [-sfnv] [-o OPTION[,OPTION…]]…

The helper that mount(8) calls for `mount -t nithronfs URL DIRECTORY`.

  -o OPTIONS       mount options, separated by commas (below)
  -f               check everything, mount nothing
  -s               ignore unknown options
  -n               accepted, changes nothing
  -v               say more
  -h, --help       print this and end
  -V, --version    print the version and end
)";

std::string option_line(const OptionInfo& option) {
  const std::string left = option.placeholder.empty() ? std::string(option.name)
                                                      : fmt::format("{}={}", option.name, option.placeholder);
  std::string line = fmt::format("  {:<29}{}", left, option.help);
  if (!option.default_text.empty() && option.kind != ValueKind::flag) {
    line += fmt::format(" [{}]", option.default_text);
  }
  if (option.effect == Effect::refused) line += " (not offered in this version)";
  if (option.effect == Effect::harmless) line += " (does nothing in this version)";
  return line + "\n";
}

}  // namespace

std::string help_text(const DaemonArguments& arguments) {
  std::string text(arguments.as_helper ? kHelperUsage : kDaemonUsage);
  text += "\nMount options [and defaults]; the configuration file knows them by the same names:\n";
  for (const OptionInfo& option : option_table()) text += option_line(option);
  text += "\nAlso:";
  for (const GenericOptionInfo& option : generic_option_table()) {
    if (option.effect != Effect::refused) text += fmt::format(" {}", option.name);
  }
  text += " x-* comment=\nEach is explained in nithronfs.conf(5).\n";
  return text;
}

std::string version_text(std::string_view program) {
  return fmt::format("{} {}\n", program, NITHRONFS_VERSION);
}

}  // namespace nithronfs::config

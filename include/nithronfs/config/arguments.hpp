// The command line of the daemon, in both of its names: nithronfs and mount.nithronfs.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nithronfs/config/options.hpp"
#include "nithronfs/util/result.hpp"

namespace nithronfs::config {

// Exit codes of the daemon: those of mount(8), because that is who asks.
enum class ExitCode : int { success = 0, usage = 1, failure = 32 };

struct DaemonArguments {
  enum class Action : std::uint8_t {
    mount,
    show_help,
    show_version,
    show_config,  // print the effective options as JSON and end
  };
  Action action = Action::mount;
  std::string program;     // as people call it, without the directory
  bool as_helper = false;  // called as mount.nithronfs
  std::string url;         // not parsed yet
  std::string mountpoint;  // as written
  std::vector<Setting> settings;
  bool foreground = false;  // nithronfs -f
  bool debug = false;       // -d: foreground, log level debug
  bool fake = false;        // mount.nithronfs -f: check everything, mount nothing
  bool sloppy = false;      // mount.nithronfs -s: unknown options are ignored
  bool verbose = false;     // -v
};

// argv[0] decides which of the two grammars counts. Pure. Errors: invalid_argument.
[[nodiscard]] Result<DaemonArguments> parse_arguments(std::span<const std::string> argv);

[[nodiscard]] std::string help_text(const DaemonArguments& arguments);
[[nodiscard]] std::string version_text(std::string_view program);

}  // namespace nithronfs::config

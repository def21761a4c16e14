// What nithronctl can do, as data; and the help texts made from it.
#include <fmt/format.h>

#include <array>

#include "invocation.hpp"

namespace nithronfs::cli {

namespace {

constexpr OptionSpec kJson{"--json", "", "print JSON, for scripts"};
constexpr OptionSpec kAccount{"--account", "FILE", "the account file, where it is not the usual one"};
constexpr OptionSpec kCa{"--ca", "FILE", "certificates to trust, in PEM form"};
constexpr OptionSpec kPinned{"--pinnedpubkey", "sha256//BASE64",
                             "accept this public key of the server and no other"};
constexpr OptionSpec kInsecure{"--insecure", "", "allow http:// to hosts other than this one"};

constexpr std::array kLoginOptions{
    OptionSpec{"--username", "NAME", "the account on the server"},
    OptionSpec{"--password-file", "FILE",
               "take the password from the first line of FILE; - is standard input"},
    OptionSpec{"--code", "DIGITS", "the current code of the second factor"},
    OptionSpec{"--device-name", "NAME", "what the server calls this machine; the host name unless given"},
    kAccount,
    kCa,
    kPinned,
    kInsecure,
    kJson,
};
constexpr std::array kSharesOptions{kAccount, kCa, kPinned, kInsecure, kJson};
constexpr std::array kMountsOptions{kJson};

constexpr std::array kCommands{
    CommandSpec{
        "login", "URL", "register this machine at a server",
        "Asks for what is missing. The password is used once, to register this machine as a device; what is\n"
        "kept is a token, in an account file that only you can read. One attempt is made per password and\n"
        "code that you enter, because servers lock accounts after a few.",
        1, 1, kLoginOptions},
    CommandSpec{"shares", "[URL]", "list the shares that an account can see",
                "Asks the server. Say which one: by its URL, or by --account FILE.", 0, 1, kSharesOptions},
    CommandSpec{"mounts", "", "list your mounts that are running", "", 0, 0, kMountsOptions},
    CommandSpec{"status", "[PATH]", "tell how a mount is doing",
                "PATH is any path inside the mount; without it, all of your mounts are told about.", 0, 1,
                kMountsOptions},
};

std::string program_help() {
  std::string text =
      "Usage: nithronctl COMMAND [ARGUMENT]… [--OPTION [VALUE]]…\n\n"
      "Everything about mounts of NithronOS shares and the accounts behind them.\n\n";
  for (const CommandSpec& command : kCommands) {
    const std::string left = fmt::format("{} {}", command.name, command.arguments);
    text += fmt::format("  {:<18}{}\n", left, command.summary);
  }
  text +=
      "\n  COMMAND --help    options of a command\n"
      "  --help, -h        print this\n"
      "  --version, -V     print the version\n\n"
      "Exit codes: 0 done, 1 failed, 2 wrong use, 3 not reachable. See nithronctl(1).\n";
  return text;
}

std::string command_help(const CommandSpec& command) {
  const std::string space = command.arguments.empty() ? "" : " ";
  std::string text = fmt::format("Usage: nithronctl {}{}{} [--OPTION [VALUE]]…\n\nTo {}.\n", command.name,
                                 space, command.arguments, command.summary);
  if (!command.details.empty()) text += fmt::format("{}\n", command.details);
  text += '\n';
  for (const OptionSpec& option : command.options) {
    const std::string left = option.placeholder.empty()
                                 ? std::string(option.name)
                                 : fmt::format("{} {}", option.name, option.placeholder);
    text += fmt::format("  {:<32}{}\n", left, option.help);
  }
  return text + fmt::format("  {:<32}{}\n", "--help", "print this");
}

}  // namespace

std::span<const CommandSpec> command_table() {
  return kCommands;
}

std::string help_text(const CommandSpec* command) {
  return command == nullptr ? program_help() : command_help(*command);
}

}  // namespace nithronfs::cli

// From words to a command, and from its outcome to an exit code.
#include <array>
#include <utility>

#include "commands.hpp"
#include "output.hpp"

namespace nithronfs::cli {

namespace {

using Command = Result<ExitCode> (*)(const Invocation&, Context&);
constexpr std::array kCommands{
    std::pair<std::string_view, Command>{"login", login},
    std::pair<std::string_view, Command>{"shares", shares},
    std::pair<std::string_view, Command>{"mounts", mounts},
    std::pair<std::string_view, Command>{"status", status},
};

Result<ExitCode> execute(const Invocation& invocation, Context& context) {
  for (const auto& [name, command] : kCommands) {
    if (invocation.command->name == name) return command(invocation, context);
  }
  return fail(Errc::not_supported, "this command has no implementation");
}

}  // namespace

ExitCode exit_code_of(const Error& error) {
  switch (error.code) {
    case Errc::invalid_argument:
      return ExitCode::wrong_use;
    case Errc::offline:
    case Errc::timed_out:
      return ExitCode::not_reachable;
    default:
      return ExitCode::failed;
  }
}

ExitCode run(std::span<const std::string> words, Context& context) {
  const auto complain = [&](const Error& error) {
    context.err << "nithronctl: " << printable(error.message) << '\n';
    return exit_code_of(error);
  };
  const auto invocation = parse_invocation(words);
  if (!invocation) return complain(invocation.error());
  switch (invocation->action) {
    case Invocation::Action::show_help:
      context.out << help_text(invocation->command);
      return ExitCode::done;
    case Invocation::Action::show_version:
      context.out << "nithronctl " NITHRONFS_VERSION "\n";
      return ExitCode::done;
    case Invocation::Action::run:
      break;
  }
  const auto outcome = execute(*invocation, context);
  return outcome ? *outcome : complain(outcome.error());
}

}  // namespace nithronfs::cli

// The command line of nithronctl: which commands and options there are, and what somebody typed.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nithronfs/util/result.hpp"

namespace nithronfs::cli {

struct OptionSpec {
  std::string_view name;         // "--json"
  std::string_view placeholder;  // empty: a flag
  std::string_view help;         // one line
};

struct CommandSpec {
  std::string_view name;
  std::string_view arguments;  // "URL", "[PATH]"
  std::string_view summary;    // one line
  std::string_view details;    // what --help of the command says beyond that
  std::size_t min_arguments;
  std::size_t max_arguments;
  std::span<const OptionSpec> options;
};

// What help, completions and the manual page are made from or held against.
[[nodiscard]] std::span<const CommandSpec> command_table();

struct Invocation {
  enum class Action : std::uint8_t { run, show_help, show_version };
  Action action = Action::run;
  const CommandSpec* command = nullptr;  // null: help or version of the program as a whole
  std::vector<std::string> arguments;
  std::map<std::string, std::string, std::less<>> options;  // with their dashes; flags have ""

  [[nodiscard]] bool has(std::string_view option) const { return options.contains(option); }
  [[nodiscard]] std::optional<std::string> get(std::string_view option) const;
};

// `words` is argv without the program's name. Errors: invalid_argument; what could be a password is not
// repeated.
[[nodiscard]] Result<Invocation> parse_invocation(std::span<const std::string> words);

// `command` null: of the program as a whole.
[[nodiscard]] std::string help_text(const CommandSpec* command);

}  // namespace nithronfs::cli

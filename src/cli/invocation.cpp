// A parser for "COMMAND [ARGUMENT | --option [VALUE]]…", driven by the table of commands.
#include "invocation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "output.hpp"

namespace nithronfs::cli {

namespace {

std::unexpected<Error> wrong(const CommandSpec* command, std::string_view what) {
  const std::string help =
      command == nullptr ? "nithronctl --help" : fmt::format("nithronctl {} --help", command->name);
  return fail(Errc::invalid_argument, fmt::format("{} (see {})", what, help));
}

class InvocationReader {
 public:
  explicit InvocationReader(std::span<const std::string> words) : rest_(words) {}

  Result<Invocation> read() {
    if (auto found = find_command(); !found) return fail(std::move(found.error()));
    while (!rest_.empty() && invocation_.action == Invocation::Action::run) {
      const std::string word = take();
      if (!only_arguments_ && word == "--") {
        only_arguments_ = true;
      } else if (!only_arguments_ && word.size() > 1 && word.starts_with('-')) {
        if (auto taken = take_option(word); !taken) return fail(std::move(taken.error()));
      } else {
        invocation_.arguments.push_back(word);
      }
    }
    if (invocation_.action != Invocation::Action::run) return std::move(invocation_);
    if (auto counted = check_count(); !counted) return fail(std::move(counted.error()));
    return std::move(invocation_);
  }

 private:
  std::string take() {
    std::string word = rest_.front();
    rest_ = rest_.subspan(1);
    return word;
  }

  Result<void> find_command() {
    if (rest_.empty()) return wrong(nullptr, "say what to do");
    const std::string word = take();
    if (take_general(word)) return {};
    const auto found = std::ranges::find(command_table(), std::string_view(word), &CommandSpec::name);
    if (found == command_table().end())
      return wrong(nullptr, fmt::format("unknown command \"{}\"", printable(word)));
    invocation_.command = &*found;
    return {};
  }

  bool take_general(const std::string& word) {
    if (word == "--help" || word == "-h") {
      invocation_.action = Invocation::Action::show_help;
    } else if (word == "--version" || word == "-V") {
      invocation_.action = Invocation::Action::show_version;
    } else {
      return false;
    }
    return true;
  }

  Result<void> take_option(const std::string& word) {
    if (take_general(word)) return {};
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const CommandSpec* const command = invocation_.command;
    // Named alone, so that a password typed here by mistake does not reach the screen or a log once more.
    if (name == "--password") {
      return wrong(command,
                   "a password is never an argument: it would be visible to every user; leave it out to be "
                   "asked, or use --password-file");
    }
    const auto spec = std::ranges::find(command->options, std::string_view(name), &OptionSpec::name);
    if (spec == command->options.end())
      return wrong(command, fmt::format("unknown option {}", printable(name)));
    std::string value;
    if (spec->placeholder.empty()) {
      if (equals != std::string::npos) return wrong(command, fmt::format("{} takes no value", name));
    } else if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (!rest_.empty()) {
      value = take();
    } else {
      return wrong(command, fmt::format("{} wants a value: {}", name, spec->placeholder));
    }
    if (!invocation_.options.emplace(name, std::move(value)).second) {
      return wrong(command, fmt::format("{} was given twice", name));
    }
    return {};
  }

  [[nodiscard]] Result<void> check_count() const {
    const CommandSpec& command = *invocation_.command;
    const std::size_t count = invocation_.arguments.size();
    if (count < command.min_arguments)
      return wrong(&command, fmt::format("{} is missing", command.arguments));
    if (count > command.max_arguments) {
      return wrong(&command, fmt::format("\"{}\" is too much",
                                         printable(invocation_.arguments[command.max_arguments])));
    }
    return {};
  }

  std::span<const std::string> rest_;
  Invocation invocation_;
  bool only_arguments_ = false;
};

}  // namespace

std::optional<std::string> Invocation::get(std::string_view option) const {
  const auto found = options.find(option);
  if (found == options.end()) return std::nullopt;
  return found->second;
}

Result<Invocation> parse_invocation(std::span<const std::string> words) {
  return InvocationReader(words).read();
}

}  // namespace nithronfs::cli

// A parser of its own: getopt keeps its state in globals, and the two programs give -f two meanings.
#include "nithronfs/config/arguments.hpp"

#include <fmt/format.h>

#include "text.hpp"

namespace nithronfs::config {

namespace {

constexpr std::string_view kHelperName = "mount.nithronfs";

class ArgumentReader {
 public:
  explicit ArgumentReader(std::span<const std::string> argv) : rest_(argv) {}

  Result<DaemonArguments> read() {
    take_program_name();
    while (!rest_.empty() && !done()) {
      const std::string word = rest_.front();
      rest_ = rest_.subspan(1);
      if (auto step = take(word); !step) return fail(std::move(step.error()));
    }
    if (done()) return std::move(arguments_);
    if (auto checked = assign_positionals(); !checked) return fail(std::move(checked.error()));
    return std::move(arguments_);
  }

 private:
  // Help and version win over whatever else is on the line.
  [[nodiscard]] bool done() const {
    return arguments_.action == DaemonArguments::Action::show_help ||
           arguments_.action == DaemonArguments::Action::show_version;
  }

  void take_program_name() {
    arguments_.program = "nithronfs";
    if (rest_.empty()) return;
    const std::string& path = rest_.front();
    const std::string name = path.substr(path.rfind('/') + 1);
    if (!name.empty()) arguments_.program = name;
    arguments_.as_helper = name == kHelperName;
    rest_ = rest_.subspan(1);
  }

  Result<void> take(const std::string& word) {
    if (only_positionals_ || word == "-" || !word.starts_with('-')) {
      positionals_.push_back(word);
      return {};
    }
    if (word == "--") {
      only_positionals_ = true;
      return {};
    }
    return word.starts_with("--") ? take_long(word) : take_short(word);
  }

  Result<void> take_long(const std::string& word) {
    if (word == "--help") {
      arguments_.action = DaemonArguments::Action::show_help;
    } else if (word == "--version") {
      arguments_.action = DaemonArguments::Action::show_version;
    } else if (word == "--show-config") {
      arguments_.action = DaemonArguments::Action::show_config;
    } else {
      return wrong(fmt::format("unknown argument {}", printable(word)));
    }
    return {};
  }

  // "-fo ro,poll=5s" and "-oro" are as good as the long way.
  Result<void> take_short(std::string_view word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      if (word[i] == 'o') return take_options(word.substr(i + 1));
      if (word[i] == 't' && arguments_.as_helper) return take_type(word.substr(i + 1));
      if (!take_letter(word[i]))
        return wrong(fmt::format("unknown argument -{}", printable(word.substr(i, 1))));
      if (done()) return {};
    }
    return {};
  }

  bool take_letter(char letter) {
    switch (letter) {
      case 'h':
        arguments_.action = DaemonArguments::Action::show_help;
        return true;
      case 'V':
        arguments_.action = DaemonArguments::Action::show_version;
        return true;
      case 'd':
        arguments_.debug = true;
        return true;
      case 'v':
        arguments_.verbose = true;
        return true;
      case 'f':
        (arguments_.as_helper ? arguments_.fake : arguments_.foreground) = true;
        return true;
      case 's':
        arguments_.sloppy = arguments_.as_helper;
        return arguments_.as_helper;
      case 'n':
        return arguments_.as_helper;  // there is no /etc/mtab to leave alone any more
      default:
        return false;
    }
  }

  Result<void> take_options(std::string_view joined) {
    auto text = value_of("-o", joined);
    if (!text) return fail(std::move(text.error()));
    auto settings = split_options(*text);
    if (!settings) return wrong(settings.error().message);
    for (Setting& setting : *settings) arguments_.settings.push_back(std::move(setting));
    return {};
  }

  // mount(8) names the type when it is "fuse.nithronfs" or has a subtype; it changes nothing.
  Result<void> take_type(std::string_view joined) {
    auto type = value_of("-t", joined);
    if (!type) return fail(std::move(type.error()));
    if (*type == "nithronfs" || *type == "fuse.nithronfs") return {};
    return wrong(fmt::format("cannot mount the type \"{}\"", printable(*type)));
  }

  Result<std::string> value_of(std::string_view option, std::string_view joined) {
    if (!joined.empty()) return std::string(joined);
    if (rest_.empty()) return wrong(fmt::format("{} wants a value", option));
    std::string value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }

  Result<void> assign_positionals() {
    if (positionals_.size() > 2) {
      return wrong(fmt::format("one URL and one mount point are wanted, \"{}\" is too much",
                               printable(positionals_[2])));
    }
    if (positionals_.empty()) return wrong("the URL and the mount point are missing");
    arguments_.url = positionals_[0];
    if (positionals_.size() == 2) arguments_.mountpoint = positionals_[1];
    if (arguments_.mountpoint.empty()) return wrong("the mount point is missing");
    return {};
  }

  [[nodiscard]] std::unexpected<Error> wrong(std::string_view what) const {
    return fail(Errc::invalid_argument, fmt::format("{} (see {} --help)", what, arguments_.program));
  }

  std::span<const std::string> rest_;
  DaemonArguments arguments_;
  std::vector<std::string> positionals_;
  bool only_positionals_ = false;
};

}  // namespace

Result<DaemonArguments> parse_arguments(std::span<const std::string> argv) {
  return ArgumentReader(argv).read();
}

}  // namespace nithronfs::config

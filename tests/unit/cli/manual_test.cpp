// nithronctl(1) and the completion, held against the table of commands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/invocation.hpp"
#include "manual.hpp"
#include "process.hpp"

namespace nithronfs::cli {
namespace {

using testing::HasSubstr;

std::string heading_of(const CommandSpec& command) {
  std::string text(command.name);
  std::string argument(command.arguments);
  if (argument.starts_with('[')) return text + " Op Ar " + argument.substr(1, argument.size() - 2);
  return argument.empty() ? text : text + " Ar " + argument;
}

TEST(Manual, EachCommandHasItsSectionWithItsOptions) {
  const std::string page = source_text("man/nithronctl.1");
  std::multiset<std::string> headings;
  for (const CommandSpec& command : command_table()) {
    headings.insert(heading_of(command));
    const std::string section = section_of(page, heading_of(command));
    std::multiset<std::string> expected;
    for (const OptionSpec& option : command.options) expected.emplace(option.name.substr(2));
    EXPECT_EQ(all_matches(section, R"((?:\.It|,) Fl Fl ([\w-]+))"), expected) << command.name;
    for (const OptionSpec& option : command.options) {
      if (option.placeholder.empty()) continue;
      EXPECT_THAT(
          section,
          HasSubstr(
              std::string("Fl Fl ").append(option.name.substr(2)).append(" Ar ").append(option.placeholder)));
    }
  }
  EXPECT_EQ(all_matches(page, "\n\\.Ss ([^\n]+)"), headings);
}

std::multiset<std::string> completions(const std::string& words, int position) {
  const auto outcome =
      test::run({.arguments = {"bash", "-c",
                               "source " SOURCE_ROOT "/contrib/completions/nithronctl; COMP_WORDS=(" + words +
                                   "); COMP_CWORD=" + std::to_string(position) +
                                   "; _nithronctl; printf \"%s\\n\" \"${COMPREPLY[@]}\""}});
  EXPECT_EQ(outcome.exit.code, 0) << outcome.output;
  return all_matches(outcome.output, "([^\n]+)\n");
}

TEST(Completion, OffersAllCommands) {
  std::multiset<std::string> expected{"--help", "--version"};
  for (const CommandSpec& command : command_table()) expected.emplace(command.name);
  EXPECT_EQ(completions("nithronctl \"\"", 1), expected);
  EXPECT_EQ(completions("nithronctl st", 1), std::multiset<std::string>{"status"});
}

TEST(Completion, OffersAllOptionsOfEachCommand) {
  for (const CommandSpec& command : command_table()) {
    std::multiset<std::string> expected{"--help"};
    for (const OptionSpec& option : command.options) expected.emplace(option.name);
    EXPECT_EQ(completions("nithronctl " + std::string(command.name) + " --", 2), expected) << command.name;
  }
}

TEST(Completion, OffersFilesWhereAValueIsOneAndNothingForSecrets) {
  EXPECT_EQ(completions("nithronctl login --ca " SOURCE_ROOT "/LICEN", 3),
            std::multiset<std::string>{SOURCE_ROOT "/LICENSE"});
  EXPECT_EQ(completions("nithronctl login --code \"\"", 3), std::multiset<std::string>{});
}

}  // namespace
}  // namespace nithronfs::cli

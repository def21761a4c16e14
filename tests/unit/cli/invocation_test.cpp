// What the command line of nithronctl may look like.
#include "cli/invocation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command_test.hpp"

namespace nithronfs::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Result<Invocation> parse(const std::vector<std::string>& words) {
  return parse_invocation(words);
}

TEST(Invocation, OptionsStandAnywhereAndTakeTheirValueEitherWay) {
  const auto invocation = parse({"login", "--username", "anna", "https://nas", "--code=123", "--json"});
  ASSERT_TRUE(invocation) << invocation.error().message;
  EXPECT_EQ(invocation->command->name, "login");
  EXPECT_THAT(invocation->arguments, ElementsAre("https://nas"));
  EXPECT_EQ(invocation->get("--username"), "anna");
  EXPECT_EQ(invocation->get("--code"), "123");
  EXPECT_TRUE(invocation->has("--json"));
  EXPECT_FALSE(invocation->get("--account"));
}

TEST(Invocation, TwoDashesEndTheOptions) {
  EXPECT_THAT(parse({"status", "--", "--json"})->arguments, ElementsAre("--json"));
  EXPECT_THAT(parse({"status", "-"})->arguments, ElementsAre("-"));
}

TEST(Invocation, HelpAndVersionComeBeforeAllElse) {
  using Action = Invocation::Action;
  EXPECT_EQ(parse({"--help"})->command, nullptr);
  EXPECT_EQ(parse({"-V"})->action, Action::show_version);
  const auto help = parse({"login", "--help", "--nonsense"});
  ASSERT_TRUE(help);
  EXPECT_EQ(help->action, Action::show_help);
  EXPECT_EQ(help->command->name, "login");
}

struct Mistake {
  std::vector<std::string> words;
  const char* said;
};

class InvocationMistakes : public testing::TestWithParam<Mistake> {};

TEST_P(InvocationMistakes, AreWrongUse) {
  const auto invocation = parse(GetParam().words);
  ASSERT_FALSE(invocation);
  EXPECT_EQ(exit_code_of(invocation.error()), ExitCode::wrong_use);
  EXPECT_THAT(invocation.error().message, HasSubstr(GetParam().said));
  EXPECT_THAT(invocation.error().message, HasSubstr("--help"));
}

INSTANTIATE_TEST_SUITE_P(
    Invocation, InvocationMistakes,
    testing::Values(Mistake{{}, "say what to do"}, Mistake{{"logn"}, "unknown command \"logn\""},
                    Mistake{{"--json"}, "unknown command"}, Mistake{{"login"}, "URL is missing"},
                    Mistake{{"login", "a", "b"}, "\"b\" is too much"}, Mistake{{"mounts", "x"}, "too much"},
                    Mistake{{"login", "a", "--code"}, "--code wants a value: DIGITS"},
                    Mistake{{"login", "a", "--json=1"}, "--json takes no value"},
                    Mistake{{"login", "a", "--code", "1", "--code", "2"}, "--code was given twice"},
                    Mistake{{"mounts", "--code", "1"}, "unknown option --code"},
                    Mistake{{"status", "-x"}, "unknown option -x"},
                    // Verbs of later versions are unknown, not silently nothing.
                    Mistake{{"pin", "x"}, "unknown command"}, Mistake{{"logout"}, "unknown command"}));

TEST(Invocation, APasswordOnTheCommandLineIsRefusedAndNotRepeated) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"login", "https://nas", "--password=hunter2"},
        std::vector<std::string>{"login", "https://nas", "--password", "hunter2"}}) {
    const auto invocation = parse(words);
    ASSERT_FALSE(invocation);
    EXPECT_THAT(invocation.error().message, HasSubstr("--password-file"));
    EXPECT_THAT(invocation.error().message, Not(HasSubstr("hunter2")));
  }
}

class HelpTest : public CommandTest {};

TEST_F(HelpTest, EveryCommandAndOptionIsExplained) {
  EXPECT_EQ(run({"--help"}), ExitCode::done);
  const std::string overview = out();
  for (const CommandSpec& command : command_table()) {
    EXPECT_THAT(overview, HasSubstr("\n  " + std::string(command.name)));
    EXPECT_EQ(run({std::string(command.name), "--help"}), ExitCode::done);
    EXPECT_THAT(out(), HasSubstr("Usage: nithronctl " + std::string(command.name)));
    for (const OptionSpec& option : command.options) {
      EXPECT_THAT(out(), HasSubstr("\n  " + std::string(option.name)));
      EXPECT_THAT(out(), HasSubstr("  " + std::string(option.help)));
    }
  }
}

TEST_F(HelpTest, EveryCommandOfTheTableRuns) {
  for (const CommandSpec& command : command_table()) {
    const std::vector<std::string> words(1 + command.min_arguments, std::string(command.name));
    static_cast<void>(run(words));
    EXPECT_THAT(err(), Not(HasSubstr("no implementation"))) << command.name;
  }
}

TEST_F(HelpTest, TheVersionIsThatOfTheBuild) {
  EXPECT_EQ(run({"--version"}), ExitCode::done);
  EXPECT_EQ(out(), "nithronctl " NITHRONFS_VERSION "\n");
}

TEST_F(HelpTest, MistakesGoToStandardErrorOnly) {
  EXPECT_EQ(run({"login"}), ExitCode::wrong_use);
  EXPECT_EQ(out(), "");
  EXPECT_EQ(err(), "nithronctl: URL is missing (see nithronctl login --help)\n");
}

}  // namespace
}  // namespace nithronfs::cli

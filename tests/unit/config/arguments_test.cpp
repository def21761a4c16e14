// The two grammars of the command line.
#include "nithronfs/config/arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nithronfs::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Action = DaemonArguments::Action;

Result<DaemonArguments> parse(std::vector<std::string> argv) {
  return parse_arguments(argv);
}

TEST(Arguments, TheDaemonTakesUrlMountpointAndOptionsInAnyOrder) {
  const auto arguments =
      parse({"/usr/bin/nithronfs", "-o", "ro,poll=5s", "https://nas", "-f", "mnt", "-ouid=3"});
  ASSERT_TRUE(arguments) << arguments.error().message;
  EXPECT_EQ(arguments->action, Action::mount);
  EXPECT_EQ(arguments->program, "nithronfs");
  EXPECT_EQ(arguments->url, "https://nas");
  EXPECT_EQ(arguments->mountpoint, "mnt");
  EXPECT_THAT(arguments->settings,
              ElementsAre(Setting{"ro", std::nullopt}, Setting{"poll", "5s"}, Setting{"uid", "3"}));
  EXPECT_TRUE(arguments->foreground);
  EXPECT_FALSE(arguments->as_helper || arguments->fake || arguments->debug);
}

TEST(Arguments, TheHelperGivesFAnotherMeaning) {
  const auto arguments = parse({"/sbin/mount.nithronfs", "https://nas", "/mnt", "-sfnv", "-o", "rw,x-y=1"});
  ASSERT_TRUE(arguments) << arguments.error().message;
  EXPECT_TRUE(arguments->as_helper && arguments->fake && arguments->sloppy && arguments->verbose);
  EXPECT_FALSE(arguments->foreground);
  EXPECT_THAT(arguments->settings, ElementsAre(Setting{"rw", std::nullopt}, Setting{"x-y", "1"}));
}

TEST(Arguments, TheHelperAcceptsItsOwnType) {
  EXPECT_TRUE(parse({"mount.nithronfs", "https://nas", "/mnt", "-t", "fuse.nithronfs"}));
  EXPECT_FALSE(parse({"mount.nithronfs", "https://nas", "/mnt", "-t", "ext4"}));
  EXPECT_FALSE(parse({"nithronfs", "https://nas", "/mnt", "-t", "nithronfs"}));
}

TEST(Arguments, LettersCombineAndTwoDashesEndThem) {
  const auto arguments = parse({"nithronfs", "-dvfo", "ro", "--", "https://nas", "-odd-name"});
  ASSERT_TRUE(arguments) << arguments.error().message;
  EXPECT_TRUE(arguments->debug && arguments->verbose && arguments->foreground);
  EXPECT_EQ(arguments->mountpoint, "-odd-name");
}

TEST(Arguments, HelpAndVersionNeedNothingElse) {
  for (const char* word : {"--help", "-h"})
    EXPECT_EQ(parse({"nithronfs", word, "--nonsense"})->action, Action::show_help);
  for (const char* word : {"--version", "-V"})
    EXPECT_EQ(parse({"nithronfs", "x", word})->action, Action::show_version);
  EXPECT_EQ(parse({"nithronfs", "https://nas", "/mnt", "--show-config"})->action, Action::show_config);
}

struct Mistake {
  std::vector<std::string> argv;
  const char* said;
};

class ArgumentMistakes : public testing::TestWithParam<Mistake> {};

TEST_P(ArgumentMistakes, AreWrongUse) {
  const auto arguments = parse(GetParam().argv);
  ASSERT_FALSE(arguments);
  EXPECT_EQ(arguments.error().code, Errc::invalid_argument);
  EXPECT_THAT(arguments.error().message, HasSubstr(GetParam().said));
  EXPECT_THAT(arguments.error().message, HasSubstr("--help"));
}

INSTANTIATE_TEST_SUITE_P(
    Arguments, ArgumentMistakes,
    testing::Values(Mistake{{}, "URL and the mount point"}, Mistake{{"nithronfs"}, "URL and the mount point"},
                    Mistake{{"nithronfs", "https://nas"}, "mount point is missing"},
                    Mistake{{"nithronfs", "https://nas", ""}, "mount point is missing"},
                    Mistake{{"nithronfs", "a", "b", "c"}, "\"c\" is too much"},
                    Mistake{{"nithronfs", "a", "b", "-o"}, "-o wants a value"},
                    Mistake{{"nithronfs", "a", "b", "-o", "x=\"1"}, "without its partner"},
                    Mistake{{"nithronfs", "a", "b", "-s"}, "-s"},
                    Mistake{{"nithronfs", "a", "b", "-x"}, "-x"},
                    Mistake{{"nithronfs", "--password=x"}, "--password"},
                    Mistake{{"mount.nithronfs", "a", "b", "-x"}, "mount.nithronfs --help"}));

TEST(HelpText, NamesEveryOptionAndWhatDoesNothing) {
  for (const char* program : {"nithronfs", "mount.nithronfs"}) {
    const std::string text = help_text(*parse({program, "--help"}));
    EXPECT_THAT(text, HasSubstr(std::string("Usage: ") + program));
    for (const OptionInfo& option : option_table()) {
      EXPECT_THAT(text, HasSubstr("\n  " + std::string(option.name)));
      EXPECT_THAT(text, HasSubstr(option.help));
    }
    EXPECT_THAT(text, HasSubstr("(not offered in this version)"));
  }
  EXPECT_THAT(version_text("nithronfs"), HasSubstr(NITHRONFS_VERSION));
}

}  // namespace
}  // namespace nithronfs::config

// The manual pages and the completion of the daemon, held against the option table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "manual.hpp"
#include "nithronfs/config/arguments.hpp"
#include "nithronfs/config/options.hpp"
#include "process.hpp"

namespace nithronfs::config {
namespace {

using testing::HasSubstr;

std::multiset<std::string> own_names() {
  std::multiset<std::string> names;
  for (const OptionInfo& option : option_table()) names.emplace(option.name);
  return names;
}

TEST(Manual, EachOptionHasItsParagraphWithItsPlaceholder) {
  const std::string section = section_of(source_text("man/nithronfs.conf.5"), "Options");
  EXPECT_EQ(all_matches(section, R"((?:\.It|,) Cm (\w+))"), own_names());
  for (const OptionInfo& option : option_table()) {
    if (option.placeholder.empty()) continue;
    const std::string item =
        std::string("Cm ").append(option.name).append(" Ns = Ns Ar ").append(option.placeholder);
    EXPECT_THAT(section, HasSubstr(item));
  }
}

TEST(Manual, DefaultsAreThoseOfTheProgram) {
  const std::string section = section_of(source_text("man/nithronfs.conf.5"), "Options");
  const MountOptions defaults;
  for (const OptionInfo& option : option_table()) {
    const bool refused = option.effect == Effect::refused;
    const std::string shown = option.show(defaults);
    if (refused || shown.empty() || option.kind == ValueKind::flag || option.kind == ValueKind::rate)
      continue;
    const std::string value = option.kind == ValueKind::mode ? "022" : shown;
    EXPECT_THAT(section, HasSubstr("Default: " + value + ".")) << option.name;
  }
}

TEST(Manual, WhatDoesNothingOrIsRefusedIsSaid) {
  const std::string section = section_of(source_text("man/nithronfs.conf.5"), "Options");
  for (const OptionInfo& option : option_table()) {
    const auto begin = section.find(std::string(".It Cm ").append(option.name));
    if (begin == std::string::npos) continue;
    const std::string paragraph = section.substr(begin, section.find("\n.It", begin + 1) - begin);
    const bool says_refused = paragraph.find("Refused in this version") != std::string::npos;
    const bool says_nothing = paragraph.find("without effect in this version") != std::string::npos;
    EXPECT_EQ(says_refused, option.effect == Effect::refused) << option.name;
    EXPECT_EQ(says_nothing, option.effect == Effect::harmless) << option.name;
  }
}

TEST(Manual, GenericOptionsAreListed) {
  const std::string section = section_of(source_text("man/nithronfs.conf.5"), "Options of every file system");
  const auto words = all_matches(section, R"(\b([a-z_]+)\b)");
  for (const GenericOptionInfo& option : generic_option_table()) {
    EXPECT_TRUE(words.contains(std::string(option.name))) << option.name;
  }
}

TEST(Manual, BothPagesOfTheDaemonHaveTheirLetters) {
  const std::string daemon = source_text("man/nithronfs.8");
  for (const char* item : {".It Fl o Ar OPTIONS", ".It Fl f", ".It Fl d", ".It Fl v", ".It Fl Fl show-config",
                           ".It Fl h , Fl Fl help", ".It Fl V , Fl Fl version"}) {
    EXPECT_THAT(daemon, HasSubstr(item));
  }
  const std::string helper = source_text("man/mount.nithronfs.8");
  for (const char* item : {".It Fl f", ".It Fl s", ".It Fl n", ".It Fl v", ".It Fl o Ar OPTIONS"}) {
    EXPECT_THAT(helper, HasSubstr(item));
  }
}

// Every example of a mount in the pages is one that the program accepts.
TEST(Manual, LinesForFstabAreAccepted) {
  const std::string page = source_text("man/mount.nithronfs.8");
  const auto lines = all_matches(page, "\n(https://[^\n]+ nithronfs [^\n]+ 0 0)\n");
  EXPECT_EQ(lines.size(), 3u);
  for (const std::string& line : lines) {
    std::istringstream fields(line);
    std::string url;
    std::string directory;
    std::string type;
    std::string options;
    fields >> url >> directory >> type >> options;
    const auto settings = split_options(options);
    ASSERT_TRUE(settings) << line;
    MountOptions scratch;
    for (const Setting& setting : *settings) EXPECT_TRUE(apply_option(scratch, setting)) << line;
  }
}

std::multiset<std::string> completions(const std::string& words, int position) {
  const auto outcome = test::run(
      {.arguments = {"bash", "-c",
                     "source " SOURCE_ROOT "/contrib/completions/nithronfs; COMP_WORDS=(" + words +
                         "); COMP_CWORD=" + std::to_string(position) +
                         "; _nithronfs \"${COMP_WORDS[0]}\"; printf \"%s\\n\" \"${COMPREPLY[@]}\""}});
  EXPECT_EQ(outcome.exit.code, 0) << outcome.output;
  return all_matches(outcome.output, "([^\n]+)\n");
}

TEST(Completion, OffersTheOptionsThatTheProgramAccepts) {
  std::multiset<std::string> expected;
  for (const OptionInfo& option : option_table()) {
    if (option.effect != Effect::refused)
      expected.insert(std::string(option.name) + (option.placeholder.empty() ? "" : "="));
  }
  for (const GenericOptionInfo& option : generic_option_table()) {
    if (option.effect != Effect::refused) expected.emplace(option.name);
  }
  EXPECT_EQ(completions("nithronfs -o \"\"", 2), expected);
  EXPECT_EQ(completions("nithronfs -o ro,pol", 2), std::multiset<std::string>{"ro,poll="});
}

TEST(Completion, OffersArgumentsThatTheProgramTakes) {
  for (const char* program : {"nithronfs", "mount.nithronfs"}) {
    for (const std::string& word : completions(std::string(program) + " -", 1)) {
      std::vector<std::string> argv{program, word};
      if (word == "-o") argv.emplace_back("ro");
      argv.insert(argv.end(), {"https://nas", "/mnt"});
      EXPECT_TRUE(parse_arguments(argv)) << word;
    }
  }
}

}  // namespace
}  // namespace nithronfs::config

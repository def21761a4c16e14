// sync.json: what it may say, and that every mistake in it is named.
#include "nithronfs/config/config_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace nithronfs::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST(ConfigFile, HoldsOptionsForAllMountsAndForSingleOnes) {
  const auto file = parse_config(R"({
    "poll": "30s", "timeout": 20, "ro": true, "uid": 1000, "umask": "027",
    "mounts": { "https://NAS:443/Photos": { "ro": false } }
  })",
                                 "sync.json");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_THAT(file->settings,
              UnorderedElementsAre(Setting{"poll", "30s"}, Setting{"timeout", "20"}, Setting{"ro", "yes"},
                                   Setting{"uid", "1000"}, Setting{"umask", "027"}));
  ASSERT_EQ(file->mounts.size(), 1u);
  EXPECT_EQ(file->mounts[0].url.to_string(), "https://nas/Photos");
  EXPECT_THAT(file->mounts[0].settings, UnorderedElementsAre(Setting{"ro", "no"}));
}

TEST(ConfigFile, MayBeEmptyOrMissing) {
  const auto empty = parse_config("{}", "sync.json");
  ASSERT_TRUE(empty);
  EXPECT_THAT(empty->settings, IsEmpty());
  const auto missing = read_config_file("/nonexistent/sync.json");
  ASSERT_TRUE(missing);
  EXPECT_THAT(missing->settings, IsEmpty());
}

struct Mistake {
  const char* text;
  const char* said;
};

class ConfigFileMistakes : public testing::TestWithParam<Mistake> {};

TEST_P(ConfigFileMistakes, AreNamedWithTheirPlace) {
  const auto file = parse_config(GetParam().text, "sync.json");
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, HasSubstr("sync.json: "));
  EXPECT_THAT(file.error().message, HasSubstr(GetParam().said));
}

INSTANTIATE_TEST_SUITE_P(
    ConfigFile, ConfigFileMistakes,
    testing::Values(
        Mistake{"", "line 1"}, Mistake{"{\n  \"poll\": \"5s\",\n}", "line 3, column 1"},
        Mistake{"[]", "one JSON object"}, Mistake{"{\"pol\": \"5s\"}", "did you mean \"poll\"?"},
        Mistake{"{\"mount\": {}}", "did you mean \"mounts\"?"},
        Mistake{"{\"colour\": 1}", "\"colour\" is unknown"},
        Mistake{"{\"poll\": \"5s\", \"poll\": \"6s\"}", "\"poll\" appears twice"},
        Mistake{"{\"mounts\": {\"https://n\": {\"ro\": true, \"ro\": true}}}", "\"ro\" appears twice"},
        Mistake{"{\"poll\": null}", "\"poll\" wants text: TIME"},
        Mistake{"{\"poll\": [\"5s\"]}", "\"poll\" wants text"},
        Mistake{"{\"poll\": -5}", "\"poll\" wants text"}, Mistake{"{\"poll\": 1.5}", "\"poll\" wants text"},
        Mistake{"{\"poll\": \"soon\"}", "\"poll\": option poll wants a time"},
        Mistake{"{\"ro\": \"yes\"}", "\"ro\" wants true or false"},
        Mistake{"{\"umask\": 22}", "\"umask\" wants text: OCTAL"},
        Mistake{"{\"noexec\": true}", "\"noexec\" is unknown"},
        Mistake{"{\"bwlimit_down\": \"1M\"}", "not offered"},
        Mistake{"{\"ca\": \"ca.pem\"}", "absolute path"},
        Mistake{"{\"mounts\": []}", "\"mounts\" wants an object"},
        Mistake{"{\"mounts\": {\"nas\": {}}}", "\"mounts\" has a bad URL"},
        Mistake{"{\"mounts\": {\"https://nas\": true}}", "\"mounts.https://nas\" wants an object"},
        Mistake{"{\"mounts\": {\"https://nas\": {\"x\": 1}}}", "\"mounts.https://nas.x\" is unknown"},
        Mistake{"{\"mounts\": {\"https://nas\": {\"mounts\": {}}}}",
                "mounts.https://nas.mounts\" is unknown"},
        Mistake{"{\"mounts\": {\"https://nas\": {}, \"https://nas:443/\": {}}}", "two spellings"}));

TEST(ConfigFile, IsReadFromDiskWithinABound) {
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / "nithronfs-config-file-test.json";
  std::ofstream(path) << R"({"poll": "7s"})";
  const auto file = read_config_file(path.string());
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_THAT(file->settings, UnorderedElementsAre(Setting{"poll", "7s"}));
  std::ofstream(path) << std::string((1 << 20) + 1, ' ');
  const auto huge = read_config_file(path.string());
  std::filesystem::remove(path);
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error().code, Errc::too_large);
}

TEST(ConfigFile, DeepNestingIsAnErrorAndNoCrash) {
  std::string text = "{\"poll\": ";
  text += std::string(200'000, '[') + std::string(200'000, ']') + "}";
  EXPECT_FALSE(parse_config(text, "sync.json"));
}

}  // namespace
}  // namespace nithronfs::config

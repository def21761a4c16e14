// Precedence, places on disk, and the identity of a mount.
#include "nithronfs/config/mount_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

namespace nithronfs::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Environment anna() {
  return {.uid = 1000,
          .home = "/users/anna",
          .working_directory = "/users/anna/work",
          .variables = {{"XDG_RUNTIME_DIR", "/run/user/1000"}}};
}

Environment root() {
  return {.uid = 0, .home = "/root", .working_directory = "/", .variables = {{"XDG_CACHE_HOME", "/ignored"}}};
}

Result<MountConfig> resolved(std::vector<std::string> words, const std::string& json = "{}",
                             const Environment& environment = anna()) {
  words.insert(words.begin(), "nithronfs");
  auto arguments = parse_arguments(words);
  if (!arguments) return fail(std::move(arguments.error()));
  auto file = parse_config(json, "sync.json");
  if (!file) return fail(std::move(file.error()));
  return resolve(*arguments, *file, environment);
}

TEST(Paths, FollowXdgForUsers) {
  const Paths usual = find_paths(anna());
  EXPECT_EQ(usual.cache_dir, "/users/anna/.cache/nithronfs");
  EXPECT_EQ(usual.state_dir, "/users/anna/.local/state/nithronfs");
  EXPECT_EQ(usual.config_file, "/users/anna/.config/nithronos/sync.json");
  EXPECT_EQ(usual.runtime_dir, "/run/user/1000/nithronfs");
  Environment moved = anna();
  moved.variables = {{"XDG_CACHE_HOME", "/c"}, {"XDG_STATE_HOME", "relative"}, {"XDG_CONFIG_HOME", "/k"}};
  const Paths paths = find_paths(moved);
  EXPECT_EQ(paths.cache_dir, "/c/nithronfs");
  EXPECT_EQ(paths.state_dir, "/users/anna/.local/state/nithronfs");
  EXPECT_EQ(paths.config_dir, "/k/nithronos");
  EXPECT_EQ(paths.runtime_dir, "/tmp/nithronfs-1000");
}

TEST(Paths, AreTheSystemsForRootAndTheUnitsForAService) {
  const Paths paths = find_paths(root());
  EXPECT_EQ(paths.cache_dir, "/var/cache/nithronfs");
  EXPECT_EQ(paths.state_dir, "/var/lib/nithronfs");
  EXPECT_EQ(paths.config_file, "/etc/nithronfs/sync.json");
  EXPECT_EQ(paths.runtime_dir, "/run/nithronfs");
  Environment unit = root();
  unit.variables = {{"RUNTIME_DIRECTORY", "/run/a:/run/b"}, {"CACHE_DIRECTORY", "/var/cache/x"}};
  EXPECT_EQ(find_paths(unit).runtime_dir, "/run/a");
  EXPECT_EQ(find_paths(unit).cache_dir, "/var/cache/x");
}

TEST(Resolve, TheCommandLineWinsOverTheMountsEntryOverTheFileOverTheDefault) {
  const std::string json = R"({"poll": "20s", "timeout": "20s", "upload_delay": "20s",
                               "mounts": {"https://nas/": {"poll": "30s", "timeout": "30s"},
                                          "https://other": {"poll": "40s"}}})";
  const auto config = resolved({"https://NAS", "/mnt", "-o", "poll=50s"}, json);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->options.poll, std::chrono::seconds(50));
  EXPECT_EQ(config->options.timeout, std::chrono::seconds(30));
  EXPECT_EQ(config->options.upload_delay, std::chrono::seconds(20));
  EXPECT_EQ(config->options.umask, 022u);
  EXPECT_THAT(config->notes, ElementsAre(HasSubstr("upload_delay does nothing")));
}

TEST(Resolve, RelativePathsOfTheCommandLineStartWhereTheUserStands) {
  const auto config = resolved({"https://nas", "../mnt/", "-o", "ca=tls/ca.pem,cache_dir=/big"});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->mountpoint, "/users/anna/mnt");
  EXPECT_EQ(config->options.ca, "/users/anna/work/tls/ca.pem");
  EXPECT_EQ(config->cache_dir, "/big/" + config->id);
  EXPECT_EQ(config->state_dir, "/users/anna/.local/state/nithronfs/" + config->id);
  EXPECT_EQ(config->socket_path, "/run/user/1000/nithronfs/" + config->id + ".sock");
}

TEST(Resolve, OthersAreLetInByRootOnlyUnlessSaid) {
  EXPECT_TRUE(resolved({"https://nas", "/mnt"}, "{}", root())->allow_other);
  EXPECT_FALSE(resolved({"https://nas", "/mnt"})->allow_other);
  EXPECT_FALSE(resolved({"https://nas", "/mnt", "-o", "allow_other=no"}, "{}", root())->allow_other);
  EXPECT_TRUE(resolved({"https://nas", "/mnt"}, R"({"allow_other": true})")->allow_other);
}

TEST(Resolve, TheShareIsSaidOnce) {
  EXPECT_EQ(resolved({"https://nas", "/mnt", "-o", "share=Photos"})->url.to_string(), "https://nas/Photos");
  EXPECT_TRUE(resolved({"https://nas/Photos", "/mnt", "-o", "share=Photos"}));
  EXPECT_FALSE(resolved({"https://nas/Photos", "/mnt", "-o", "share=Music"}));
  EXPECT_FALSE(resolved({"webdav+https://nas/a", "/mnt", "-o", "share=Music"}));
}

TEST(Resolve, PlainHttpIsRefusedWithoutInsecure) {
  const auto refused = resolved({"http://nas", "/mnt"});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("-o insecure"));
  EXPECT_TRUE(resolved({"http://nas", "/mnt", "-o", "insecure"}));
}

TEST(Resolve, TheHelperMayIgnoreWhatItDoesNotKnow) {
  const std::vector<std::string> argv{"mount.nithronfs", "https://nas", "/mnt", "-s", "-o", "frobnicate"};
  EXPECT_TRUE(resolve(*parse_arguments(argv), {}, root()));
  EXPECT_FALSE(resolved({"https://nas", "/mnt", "-o", "frobnicate"}));
}

TEST(Resolve, ASocketPathHasToFitItsAddress) {
  Environment deep = anna();
  deep.variables["XDG_RUNTIME_DIR"] = "/" + std::string(100, 'd');
  const auto config = resolved({"https://nas", "/mnt"}, "{}", deep);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Errc::name_too_long);
}

// A golden value: if it changes, every user's mount loses sight of its cache and, later, of its state.
TEST(MountId, StaysWhatItIs) {
  EXPECT_EQ(mount_id(*parse_mount_url("https://nas.example.org"), "", ""), "fa0cf63245bd9df2");
}

TEST(MountId, DependsOnServerShareAccountAndStateButNotOnSpellingOrMountPoint) {
  const auto id = [](std::vector<std::string> words) { return resolved(std::move(words))->id; };
  const std::string base = id({"https://nas", "/mnt"});
  EXPECT_EQ(id({"https://NAS:443/", "/elsewhere", "-o", "ro,poll=1m,cache_dir=/c"}), base);
  EXPECT_NE(id({"https://nas:444", "/mnt"}), base);
  EXPECT_NE(id({"https://nas/Photos", "/mnt"}), base);
  EXPECT_NE(id({"webdav+https://nas", "/mnt"}), base);
  EXPECT_NE(id({"https://nas", "/mnt", "-o", "account=/a"}), base);
  EXPECT_NE(id({"https://nas", "/mnt", "-o", "state_dir=/a"}),
            id({"https://nas", "/mnt", "-o", "account=/a"}));
  EXPECT_EQ(id({"https://nas", "/mnt", "-o", "share=Photos"}), id({"https://nas/Photos", "/mnt"}));
}

TEST(ToJson, ShowsEffectiveValuesForAllOptions) {
  const auto config = resolved({"https://nas", "/mnt", "-o", "poll=5s,ro"});
  ASSERT_TRUE(config);
  const auto json = nlohmann::json::parse(to_json(*config));
  EXPECT_EQ(json["url"], "https://nas");
  EXPECT_EQ(json["options"]["poll"], "5s");
  EXPECT_EQ(json["options"]["ro"], true);
  EXPECT_EQ(json["options"]["allow_other"], false);
  EXPECT_EQ(json["options"]["uid"], nullptr);
  for (const OptionInfo& option : option_table())
    EXPECT_TRUE(json["options"].contains(option.name)) << option.name;
}

class PrivateDirectory : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/nithronfs-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    base_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(base_); }
  std::string base_;
};

TEST_F(PrivateDirectory, IsMadeWithItsParentsAndKept) {
  const std::string path = base_ + "/a/b/c";
  ASSERT_TRUE(make_private_directory(path));
  ASSERT_TRUE(make_private_directory(path));
  struct stat status{};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
}

TEST_F(PrivateDirectory, IsRefusedWhereOthersCouldReachIn) {
  ASSERT_EQ(mkdir((base_ + "/open").c_str(), 0700), 0);
  ASSERT_EQ(chmod((base_ + "/open").c_str(), 0777), 0);
  EXPECT_EQ(make_private_directory(base_ + "/open").error().code, Errc::permission);
  ASSERT_EQ(symlink(base_.c_str(), (base_ + "/link").c_str()), 0);
  EXPECT_EQ(make_private_directory(base_ + "/link").error().code, Errc::not_directory);
}

}  // namespace
}  // namespace nithronfs::config

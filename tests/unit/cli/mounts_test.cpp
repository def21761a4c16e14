// mounts and status, asked of real sockets behind which fake mounts live.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "../dbus/fake_provider.hpp"
#include "command_test.hpp"
#include "nithronfs/config/paths.hpp"
#include "nithronfs/util/unique_fd.hpp"

namespace nithronfs::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class MountsTest : public CommandTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(config::make_private_directory(home_file("run/nithronfs")));
    clock_.advance(std::chrono::hours(1000));
  }
  [[nodiscard]] std::string socket_path(const std::string& name) const {
    return home_file("run/nithronfs/" + name);
  }
  void serve(const std::string& id, dbus::FakeProvider& provider) {
    auto server = dbus::start_server({.id = id, .socket_path = socket_path(id + ".sock")}, provider);
    ASSERT_TRUE(server) << server.error().message;
    servers_running_.push_back(std::move(*server));
  }
  [[nodiscard]] std::uint64_t ago(std::chrono::seconds seconds) const {
    const auto time = clock_.wall() - seconds;
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count());
  }
  // A socket that takes connections and never answers.
  UniqueFd serve_nothing(const std::string& id, bool listening) {
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    const std::string path = socket_path(id + ".sock");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    if (listening) {
      EXPECT_EQ(listen(fd.get(), 4), 0);
    }
    return fd;
  }

  dbus::FakeProvider photos_;
  dbus::FakeProvider all_;
  dbus::FakeProvider linked_;

 private:
  std::vector<std::unique_ptr<dbus::Server>> servers_running_;
};

TEST_F(MountsTest, NoneIsSaidAndIsNoFailure) {
  for (const char* command : {"mounts", "status"}) {
    EXPECT_EQ(run({command}), ExitCode::done);
    EXPECT_EQ(out(), "");
    EXPECT_THAT(err(), HasSubstr("none of your mounts is running"));
    EXPECT_EQ(run({command, "--json"}), ExitCode::done);
    EXPECT_EQ(out(), "[]\n");
    EXPECT_EQ(err(), "");
  }
}

TEST_F(MountsTest, RunningOnesAreListedAndDeadSocketsAreNot) {
  all_.set(dbus::MountStatus{.mount_point = "/mnt/nas", .server = "https://nas", .online = true});
  photos_.set(dbus::MountStatus{
      .mount_point = "/mnt/b\n", .server = "https://nas/Photos", .state = dbus::MountState::downloading});
  serve("01", all_);
  serve("02", photos_);
  serve_nothing("03", false).reset();
  EXPECT_EQ(run({"mounts"}), ExitCode::done) << err();
  EXPECT_EQ(out(),
            "MOUNTPOINT  SERVER              STATE\n"
            "/mnt/nas    https://nas         idle\n"
            "/mnt/b\\x0a  https://nas/Photos  downloading\n");
  EXPECT_EQ(run({"mounts", "--json"}), ExitCode::done);
  const auto json = nlohmann::json::parse(out());
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[0]["id"], "01");
  EXPECT_EQ(json[1]["mount_point"], "/mnt/b\n");
  EXPECT_EQ(json[1]["online"], false);
}

TEST_F(MountsTest, OneThatDoesNotAnswerIsNotHidden) {
  all_.set(dbus::MountStatus{.mount_point = "/mnt/nas", .server = "https://nas"});
  serve("01", all_);
  const UniqueFd silent = serve_nothing("02", true);
  EXPECT_EQ(run({"mounts"}), ExitCode::not_reachable);
  EXPECT_THAT(out(), HasSubstr("/mnt/nas"));
  EXPECT_THAT(err(), HasSubstr("mount 02: the mount's daemon does not answer"));
  EXPECT_EQ(run({"status", "--json"}), ExitCode::not_reachable);
  EXPECT_EQ(nlohmann::json::parse(out())[1]["error"], "timed_out");
  EXPECT_EQ(run({"status", "/mnt/nas/x"}), ExitCode::done);
  EXPECT_EQ(run({"status", "/elsewhere"}), ExitCode::not_reachable);
}

TEST_F(MountsTest, StatusTellsWhatAPersonWantsToKnow) {
  all_.set(dbus::MountStatus{.mount_point = "/mnt/nas",
                             .server = "https://nas",
                             .state = dbus::MountState::offline,
                             .last_sync_us = ago(std::chrono::seconds(30)),
                             .cached_bytes = 3ull << 29,
                             .cache_limit = 20ull << 30,
                             .problems = 1});
  all_.set(std::vector<dbus::Problem>{
      {.id = "1", .kind = "refused_name", .path = "a/b", .message = "left out\x07"}});
  all_.set(std::vector<dbus::Statistic>{{"requests", 9}});
  serve("01", all_);
  EXPECT_EQ(run({"status"}), ExitCode::done) << err();
  EXPECT_EQ(out(),
            "/mnt/nas\n"
            "  server        https://nas\n"
            "  state         offline\n"
            "  last contact  30 s ago\n"
            "  cached        1.5 GiB of 20 GiB\n"
            "  problems      1\n"
            "    a/b: left out\\x07\n");
  EXPECT_EQ(run({"status", "--json"}), ExitCode::done);
  const auto json = nlohmann::json::parse(out());
  EXPECT_EQ(json[0]["problems"][0]["kind"], "refused_name");
  EXPECT_EQ(json[0]["statistics"]["requests"], 9);
}

TEST_F(MountsTest, StatusOfAPathIsThatOfItsMount) {
  all_.set(dbus::MountStatus{.mount_point = "/mnt/nas", .server = "https://nas"});
  photos_.set(dbus::MountStatus{.mount_point = "/mnt/nas/inner", .server = "https://other"});
  linked_.set(dbus::MountStatus{.mount_point = home_file("real"), .server = "https://linked"});
  ASSERT_EQ(mkdir(home_file("real").c_str(), 0700), 0);
  ASSERT_EQ(symlink(home_file("real").c_str(), home_file("link").c_str()), 0);
  serve("03", linked_);
  serve("01", all_);
  serve("02", photos_);
  const auto server_of = [&](const std::string& path) {
    EXPECT_EQ(run({"status", path, "--json"}), ExitCode::done) << err();
    const auto json = nlohmann::json::parse(out());
    EXPECT_EQ(json.size(), 1u);
    return json[0]["server"].get<std::string>();
  };
  EXPECT_EQ(server_of("/mnt/nas"), "https://nas");
  EXPECT_EQ(server_of("/mnt/nas/x/../y/"), "https://nas");
  EXPECT_EQ(server_of("/mnt/nas/inner/x"), "https://other");
  EXPECT_EQ(server_of("link/x"), "https://linked");
  EXPECT_EQ(run({"status", "/mnt/nasty"}), ExitCode::failed);
  EXPECT_THAT(err(), HasSubstr("/mnt/nasty is in none of your mounts"));
}

}  // namespace
}  // namespace nithronfs::cli

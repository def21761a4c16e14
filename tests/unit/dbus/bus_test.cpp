// A mount on a real message bus, asked with the tools that people have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/names.hpp"
#include "fake_provider.hpp"
#include "files.hpp"
#include "nithronfs/dbus/client.hpp"
#include "process.hpp"

namespace nithronfs::dbus {
namespace {

using testing::HasSubstr;

// A dbus-daemon of this test alone, open to every user of the machine as a system bus is.
class PrivateBus {
 public:
  explicit PrivateBus(const test::TempDir& directory)
      : daemon_({.arguments = {"dbus-daemon", "--config-file=" + write_config(directory), "--nofork",
                               "--print-address=1"},
                 .output = directory / "bus.log"}),
        address_(daemon_.wait_for_line("unix:").value_or("")) {}

  void stop() { static_cast<void>(daemon_.terminate()); }
  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  static std::string write_config(const test::TempDir& directory) {
    const auto path = directory / "bus.conf";
    test::write_file(
        path, "<busconfig><type>session</type><listen>unix:path=" + (directory / "bus").string() +
                  "</listen><auth>EXTERNAL</auth><policy context=\"default\"><allow user=\"*\"/>"
                  "<allow send_destination=\"*\" eavesdrop=\"true\"/>"
                  "<allow receive_sender=\"*\" eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>");
    return path.string();
  }

  test::ChildProcess daemon_;
  const std::string address_;
};

test::Finished run_command(const std::string& words) {
  return test::run({.arguments = {"sh", "-c", words}});
}

class BusTest : public testing::Test {
 protected:
  BusTest() : bus_(directory_) {}
  void SetUp() override {
    provider_.set(MountStatus{
        .mount_point = "/mnt/nas", .server = "https://nas", .online = true, .cached_bytes = 4096});
    provider_.set(std::vector<Statistic>{{"requests", 42}});
    auto server = start_server(
        {.id = "00ff", .socket_path = file("00ff.sock"), .bus = Bus::address, .bus_address = bus_.address()},
        provider_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    const auto waited =
        run_command("gdbus wait --address '" + bus_.address() + "' --timeout 20 " + bus_name("00ff"));
    ASSERT_EQ(waited.exit.code, 0) << waited.output;
  }
  [[nodiscard]] test::Finished busctl(const std::string& words, const std::string& before = "") const {
    return run_command(before + "busctl --address='" + bus_.address() + "' " + words);
  }
  const std::string target_ = bus_name("00ff") + " " + object_path("00ff") + " " + kMountInterface;
  [[nodiscard]] std::string file(const std::string& name) const { return (directory_ / name).string(); }
  test::TempDir directory_;
  PrivateBus bus_;
  FakeProvider provider_;
  std::unique_ptr<Server> server_;
};

TEST_F(BusTest, BusctlReadsPropertiesAndCallsMethods) {
  EXPECT_EQ(busctl("get-property " + target_ + " MountPoint Online CachedBytes").output,
            "s \"/mnt/nas\"\nb true\nt 4096\n");
  EXPECT_EQ(busctl("call " + target_ + " GetStatistics").output, "a{st} 1 \"requests\" 42\n");
  EXPECT_EQ(busctl("call " + target_ + " ListProblems").output, "aa{sv} 0\n");
  EXPECT_TRUE(server_->on_bus());
}

TEST_F(BusTest, PropertiesCannotBeWritten) {
  const auto outcome = busctl("set-property " + target_ + " CacheLimit t 5");
  EXPECT_NE(outcome.exit.code, 0);
  EXPECT_THAT(outcome.output, HasSubstr("not writable"));
}

TEST_F(BusTest, AnotherUserIsRefusedWithOurError) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  ASSERT_EQ(chmod(directory_.path().c_str(), 0755), 0);
  const std::string as_nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups ";
  ASSERT_EQ(busctl("call org.freedesktop.DBus / org.freedesktop.DBus.Peer Ping", as_nobody).exit.code, 0);
  for (const std::string& words :
       {"call " + target_ + " GetStatistics", "get-property " + target_ + " MountPoint",
        "introspect " + bus_name("00ff") + " " + object_path("00ff")}) {
    const auto outcome = busctl(words, as_nobody);
    EXPECT_NE(outcome.exit.code, 0) << words;
    EXPECT_THAT(outcome.output, HasSubstr("only the owner of the mount and root")) << words;
  }
  EXPECT_EQ(busctl("call " + target_ + " ListProblems").output, "aa{sv} 0\n");
}

TEST_F(BusTest, ABusThatGoesAwayTakesNothingElseWithIt) {
  bus_.stop();
  provider_.set(MountStatus{.problems = 1});
  server_->status_changed();
  const auto client = connect_mount(file("00ff.sock"), std::chrono::seconds(20));
  ASSERT_TRUE(client) << client.error().message;
  const auto status = (*client)->status();
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->problems, 1u);
  EXPECT_FALSE(server_->on_bus());
}

TEST_F(BusTest, TheNameGoesWithTheServer) {
  server_.reset();
  EXPECT_NE(busctl("status " + bus_name("00ff")).exit.code, 0);
}

TEST(NoBus, AnUnreachableBusIsNoError) {
  const test::TempDir directory;
  const FakeProvider provider;
  const auto server = start_server({.id = "1",
                                    .socket_path = (directory / "1.sock").string(),
                                    .bus = Bus::address,
                                    .bus_address = "unix:path=" + (directory / "nothing").string()},
                                   provider);
  ASSERT_TRUE(server);
  EXPECT_FALSE((*server)->on_bus());
}

}  // namespace
}  // namespace nithronfs::dbus

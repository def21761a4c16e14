// A mount on a real message bus, asked with the tools that people have.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>

#include "dbus/names.hpp"
#include "fake_provider.hpp"
#include "nithronfs/dbus/client.hpp"
#include "nithronfs/util/unique_fd.hpp"
#include "temporary_directory.hpp"

namespace nithronfs::dbus {
namespace {

using testing::HasSubstr;

// A dbus-daemon of this test alone, open to every user of the machine as a system bus is.
class PrivateBus {
 public:
  explicit PrivateBus(const TemporaryDirectory& directory) {
    const std::string config = directory.file("bus.conf");
    std::ofstream(config) << "<busconfig><type>session</type><listen>unix:path=" << directory.file("bus")
                          << "</listen><auth>EXTERNAL</auth><policy context=\"default\"><allow user=\"*\"/>"
                             "<allow send_destination=\"*\" eavesdrop=\"true\"/><allow receive_sender=\"*\" "
                             "eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>";
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
    UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, writer.get(), 3);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, directory.file("bus.log").c_str(),
                                     O_CREAT | O_WRONLY, 0600);
    std::string program = "dbus-daemon";
    std::string config_argument = "--config-file=" + config;
    std::string nofork = "--nofork";
    std::string print = "--print-address=3";
    std::array<char*, 5> argv{program.data(), config_argument.data(), nofork.data(), print.data(), nullptr};
    const int failed = posix_spawnp(&pid_, program.c_str(), &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) throw std::runtime_error("cannot start dbus-daemon");
    writer.reset();
    // The line with the address comes when the daemon is ready.
    for (char c = 0; read(reader.get(), &c, 1) == 1 && c != '\n';) address_ += c;
  }
  PrivateBus(const PrivateBus&) = delete;
  PrivateBus& operator=(const PrivateBus&) = delete;
  ~PrivateBus() { stop(); }

  void stop() {
    if (pid_ <= 0) return;
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  pid_t pid_ = -1;
  std::string address_;
};

struct Outcome {
  int status;
  std::string output;
};

Outcome run(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return {-1, "popen failed"};
  std::string output;
  std::array<char, 4096> buffer{};
  while (const std::size_t count = fread(buffer.data(), 1, buffer.size(), pipe))
    output.append(buffer.data(), count);
  return {pclose(pipe), output};
}

class BusTest : public testing::Test {
 protected:
  BusTest() : bus_(directory_) {}
  void SetUp() override {
    provider_.set(MountStatus{
        .mount_point = "/mnt/nas", .server = "https://nas", .online = true, .cached_bytes = 4096});
    provider_.set(std::vector<Statistic>{{"requests", 42}});
    auto server = start_server({.id = "00ff",
                                .socket_path = directory_.file("00ff.sock"),
                                .bus = Bus::address,
                                .bus_address = bus_.address()},
                               provider_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    const auto waited = run("gdbus wait --address '" + bus_.address() + "' --timeout 20 " + bus_name("00ff"));
    ASSERT_EQ(waited.status, 0) << waited.output;
  }
  [[nodiscard]] Outcome busctl(const std::string& words, const std::string& before = "") const {
    return run(before + "busctl --address='" + bus_.address() + "' " + words);
  }
  const std::string target_ = bus_name("00ff") + " " + object_path("00ff") + " " + kMountInterface;
  TemporaryDirectory directory_;
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
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.output, HasSubstr("not writable"));
}

TEST_F(BusTest, AnotherUserIsRefusedWithOurError) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  ASSERT_EQ(chmod(directory_.path().c_str(), 0755), 0);
  const std::string as_nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups ";
  ASSERT_EQ(busctl("call org.freedesktop.DBus / org.freedesktop.DBus.Peer Ping", as_nobody).status, 0);
  for (const std::string& words :
       {"call " + target_ + " GetStatistics", "get-property " + target_ + " MountPoint",
        "introspect " + bus_name("00ff") + " " + object_path("00ff")}) {
    const auto outcome = busctl(words, as_nobody);
    EXPECT_NE(outcome.status, 0) << words;
    EXPECT_THAT(outcome.output, HasSubstr("only the owner of the mount and root")) << words;
  }
  EXPECT_EQ(busctl("call " + target_ + " ListProblems").output, "aa{sv} 0\n");
}

TEST_F(BusTest, ABusThatGoesAwayTakesNothingElseWithIt) {
  bus_.stop();
  provider_.set(MountStatus{.problems = 1});
  server_->status_changed();
  const auto client = connect_mount(directory_.file("00ff.sock"), std::chrono::seconds(20));
  ASSERT_TRUE(client) << client.error().message;
  const auto status = (*client)->status();
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->problems, 1u);
  EXPECT_FALSE(server_->on_bus());
}

TEST_F(BusTest, TheNameGoesWithTheServer) {
  server_.reset();
  EXPECT_NE(busctl("status " + bus_name("00ff")).status, 0);
}

TEST(NoBus, AnUnreachableBusIsNoError) {
  const TemporaryDirectory directory;
  const FakeProvider provider;
  const auto server = start_server({.id = "1",
                                    .socket_path = directory.file("1.sock"),
                                    .bus = Bus::address,
                                    .bus_address = "unix:path=" + directory.file("nothing")},
                                   provider);
  ASSERT_TRUE(server);
  EXPECT_FALSE((*server)->on_bus());
}

}  // namespace
}  // namespace nithronfs::dbus

// A mount asked over its own socket: what is answered, who is answered, and what becomes of old sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "dbus/handles.hpp"
#include "dbus/listener.hpp"
#include "dbus/names.hpp"
#include "fake_provider.hpp"
#include "files.hpp"
#include "nithronfs/dbus/client.hpp"

namespace nithronfs::dbus {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Nanos kPatience = std::chrono::seconds(20);

MountStatus busy_status() {
  return {.mount_point = "/users/anna/nas \xc3\xa9",
          .server = "https://nas.example.org",
          .state = MountState::downloading,
          .online = true,
          .feed_healthy = true,
          .last_sync_us = 1'700'000'000'000'000,
          .pending_uploads = 3,
          .pending_bytes = std::uint64_t{5} << 32,
          .cached_bytes = std::uint64_t{7} << 40,
          .cache_limit = std::uint64_t{20} << 30,
          .problems = 2};
}

class SocketTest : public testing::Test {
 protected:
  std::unique_ptr<Server> serve(const std::string& id = "00ff") {
    auto server = start_server({.id = id, .socket_path = file(id + ".sock")}, provider_);
    EXPECT_TRUE(server) << server.error().message;
    return server ? std::move(*server) : nullptr;
  }
  std::unique_ptr<MountClient> client(const std::string& id = "00ff", Nanos timeout = kPatience) {
    auto connected = connect_mount(file(id + ".sock"), timeout);
    EXPECT_TRUE(connected) << connected.error().message;
    return connected ? std::move(*connected) : nullptr;
  }
  [[nodiscard]] std::string file(const std::string& name) const { return (directory_ / name).string(); }
  test::TempDir directory_;
  FakeProvider provider_;
};

TEST_F(SocketTest, StatusProblemsAndStatisticsArriveAsTheyAre) {
  const std::vector<Problem> problems{
      {.id = "1", .kind = "refused_name", .path = "Photos/a\nb", .message = "left out", .since_us = 12},
      {.id = "2", .kind = "not_logged_in", .path = "", .message = "log in again", .since_us = 0}};
  const std::vector<Statistic> statistics{{"requests", 12}, {"bytes_fetched", std::uint64_t{1} << 63}};
  provider_.set(busy_status());
  provider_.set(problems);
  provider_.set(statistics);
  const auto server = serve();
  const auto asked = client();
  EXPECT_EQ(asked->id(), "00ff");
  EXPECT_EQ(asked->status().value(), busy_status());
  EXPECT_EQ(asked->problems().value(), problems);
  EXPECT_EQ(asked->statistics().value(), statistics);
}

TEST_F(SocketTest, EveryStateHasItsWord) {
  const auto server = serve();
  const auto asked = client();
  for (int state = 0; state <= static_cast<int>(MountState::error); ++state) {
    provider_.set(MountStatus{.state = static_cast<MountState>(state)});
    EXPECT_EQ(asked->status().value().state, static_cast<MountState>(state));
  }
  EXPECT_FALSE(parse_mount_state("sleeping"));
}

TEST_F(SocketTest, ManyClientsAreServedAtOnceAndAfterOneAnother) {
  const auto server = serve();
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<MountClient>> clients;
    for (int i = 0; i < 40; ++i) clients.push_back(client());
    for (const auto& asked : clients) EXPECT_TRUE(asked->status());
  }
}

TEST_F(SocketTest, OnlyTheOwnerCanReachTheFile) {
  const auto server = serve();
  struct stat status{};
  ASSERT_EQ(stat(file("00ff.sock").c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

// The peer's identity decides, also when the file's mode was opened by mistake.
TEST_F(SocketTest, AnotherUserIsTurnedAway) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  const auto server = serve();
  const std::string path = file("00ff.sock");
  ASSERT_EQ(chmod(directory_.path().c_str(), 0755), 0);
  ASSERT_EQ(chmod(path.c_str(), 0666), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (setuid(65534) != 0) _exit(10);
    auto asked = connect_mount(path, kPatience);
    if (!asked) _exit(asked.error().code == Errc::offline ? 0 : 11);
    const auto status = (*asked)->status();
    _exit(status ? 12 : status.error().code == Errc::offline ? 0 : 13);
  }
  int outcome = 0;
  ASSERT_EQ(waitpid(child, &outcome, 0), child);
  EXPECT_EQ(outcome, 0);
  EXPECT_TRUE(client()->status()) << "the owner is still answered";
}

TEST_F(SocketTest, ASocketThatNobodyAnswersOnIsReplaced) {
  {
    // What a killed daemon leaves behind: a bound file without a listener.
    auto listener = Listener::listen_at(file("tmp"));
    ASSERT_TRUE(listener);
    ASSERT_EQ(rename(file("tmp").c_str(), file("00ff.sock").c_str()), 0);
  }
  const auto stale = connect_mount(file("00ff.sock"), kPatience);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, Errc::offline);
  const auto server = serve();
  EXPECT_TRUE(client()->status());
}

TEST_F(SocketTest, ALiveSocketIsNotTakenOver) {
  const auto server = serve();
  const auto second = start_server({.id = "00ff", .socket_path = file("00ff.sock")}, provider_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
  EXPECT_TRUE(client()->status());
}

TEST_F(SocketTest, TheSocketGoesWithTheServerAndClientsAreTold) {
  auto server = serve();
  const auto asked = client();
  ASSERT_TRUE(asked->status());
  server.reset();
  EXPECT_NE(access(file("00ff.sock").c_str(), F_OK), 0);
  const auto gone = asked->status();
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Errc::offline);
}

// A daemon that hangs: somebody listens and never answers.
TEST_F(SocketTest, ASilentDaemonCostsTheTimeoutAndNoMore) {
  const auto listener = Listener::listen_at(file("00ff.sock"));
  ASSERT_TRUE(listener);
  const auto connected = connect_mount(file("00ff.sock"), std::chrono::milliseconds(50));
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().code, Errc::timed_out);
}

TEST_F(SocketTest, AnotherProgramsAnswerIsNoStatus) {
  const auto server = serve("00ff");
  ASSERT_EQ(rename(file("00ff.sock").c_str(), file("0011.sock").c_str()), 0);
  const auto status = client("0011")->status();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::protocol);
}

TEST_F(SocketTest, SocketsAreFoundByTheirNames) {
  EXPECT_THAT(find_sockets(file("nothing")).value(), IsEmpty());
  const auto second = serve("0002");
  const auto first = serve("0001");
  std::ofstream(file("notes.txt")) << "no socket";
  EXPECT_THAT(find_sockets(directory_.path().string()).value(),
              ElementsAre(file("0001.sock"), file("0002.sock")));
}

TEST_F(SocketTest, APathThatNoSocketCanHaveIsRefused) {
  const auto server = start_server({.id = "1", .socket_path = file(std::string(120, 'x'))}, provider_);
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, Errc::name_too_long);
}

// A raw connection, because MountClient does not listen to signals.
class SignalTest : public SocketTest {
 protected:
  BusHandle connect_raw() {
    auto fd = connect_to(file("00ff.sock"), kPatience);
    EXPECT_TRUE(fd);
    sd_bus* raw = nullptr;
    EXPECT_GE(sd_bus_new(&raw), 0);
    BusHandle bus(raw);
    EXPECT_GE(sd_bus_set_fd(raw, fd->get(), fd->get()), 0);
    [[maybe_unused]] const int owned = fd->release();
    EXPECT_GE(sd_bus_start(raw), 0);
    return bus;
  }
  static int on_changed(sd_bus_message* message, void* userdata, sd_bus_error*) {
    auto& names = *static_cast<std::vector<std::string>*>(userdata);
    const char* interface = nullptr;
    if (sd_bus_message_read(message, "s", &interface) < 0) return -EBADMSG;
    if (sd_bus_message_enter_container(message, 'a', "{sv}") < 0) return -EBADMSG;
    while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
      const char* name = nullptr;
      if (sd_bus_message_read(message, "s", &name) < 0) return -EBADMSG;
      names.emplace_back(name);
      if (sd_bus_message_skip(message, "v") < 0) return -EBADMSG;
      if (sd_bus_message_exit_container(message) < 0) return -EBADMSG;
    }
    return 0;
  }
  // Processes until `names` has something, or the deadline passes.
  static void wait_for_names(sd_bus* bus, const std::vector<std::string>& names) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (names.empty() && std::chrono::steady_clock::now() < deadline) {
      const int processed = sd_bus_process(bus, nullptr);
      ASSERT_GE(processed, 0);
      if (processed == 0) sd_bus_wait(bus, 1'000'000);
    }
  }
};

TEST_F(SignalTest, ChangedPropertiesAreAnnouncedByNameAndOthersAreNot) {
  const auto server = serve();
  const BusHandle bus = connect_raw();
  std::vector<std::string> names;
  sd_bus_slot* slot = nullptr;
  ASSERT_GE(sd_bus_match_signal(bus.get(), &slot, nullptr, object_path("00ff").c_str(),
                                "org.freedesktop.DBus.Properties", "PropertiesChanged", on_changed, &names),
            0);
  const SlotHandle owner(slot);
  BusError error;
  sd_bus_message* reply = nullptr;
  ASSERT_GE(sd_bus_call_method(bus.get(), nullptr, kRootPath, "org.freedesktop.DBus.Peer", "Ping",
                               error.get(), &reply, ""),
            0);
  const MessageHandle ping(reply);
  server->status_changed();  // nothing is different: no signal
  provider_.set(MountStatus{.online = true, .problems = 1});
  server->status_changed();
  wait_for_names(bus.get(), names);
  EXPECT_THAT(names, ElementsAre("Online", "Problems"));
}

TEST_F(SignalTest, TheObjectManagerListsTheMount) {
  provider_.set(busy_status());
  const auto server = serve();
  const BusHandle bus = connect_raw();
  BusError error;
  sd_bus_message* raw = nullptr;
  ASSERT_GE(sd_bus_call_method(bus.get(), nullptr, kRootPath, "org.freedesktop.DBus.ObjectManager",
                               "GetManagedObjects", error.get(), &raw, ""),
            0)
      << error.message();
  const MessageHandle reply(raw);
  ASSERT_GT(sd_bus_message_enter_container(raw, 'a', "{oa{sa{sv}}}"), 0);
  ASSERT_GT(sd_bus_message_enter_container(raw, 'e', "oa{sa{sv}}"), 0);
  const char* path = nullptr;
  ASSERT_GT(sd_bus_message_read(raw, "o", &path), 0);
  EXPECT_EQ(path, object_path("00ff"));
}

}  // namespace
}  // namespace nithronfs::dbus

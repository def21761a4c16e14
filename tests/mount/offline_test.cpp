// S4, S22, S27: without the network, and with one that has gone silent. Nothing hangs.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/statvfs.h>

#include "scenario.hpp"

namespace nithronfs::test {
namespace {

using ::testing::ContainsRegex;
using ::testing::IsEmpty;

constexpr std::size_t mib = 1024 * 1024;
// "At once" for a machine that runs sanitizers and other tests beside this one; far below any time-out.
constexpr milliseconds at_once = seconds(2);

class OfflineTest : public MountTest {
 protected:
  OfflineTest() {
    fs::create_directories(share("known"));
    fs::create_directories(share("unknown"));
    write_file(share("known/read"), pattern(1, mib));
    write_file(share("known/unread"), pattern(2, 8 * mib));
    write_file(share("unknown/file"), "x");
  }

  void mount_and_look(std::vector<std::string> options = {watchful}) {
    mount(std::move(options));
    EXPECT_EQ(sha256_of_file(at("known/read")), sha256(pattern(1, mib)));
    EXPECT_EQ(fs::file_size(at("known/unread")), 8 * mib);
  }
  void lose_server() { proxy_.set({.refuse = true}); }

  void expect_what_is_known_to_work() {
    forget_pages(at("known/read"));
    EXPECT_EQ(sha256_of_file(at("known/read")), sha256(pattern(1, mib)));
    EXPECT_EQ(fs::file_size(at("known/unread")), 8 * mib);
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(at("known"))) ++count;
    EXPECT_GE(count, 2U);
  }
};

TEST_F(OfflineTest, S4_WithoutTheServerCachedReadsWorkAndOthersFailAtOnce) {
  mount_and_look();
  lose_server();
  EXPECT_LT(time_of([&] { expect_what_is_known_to_work(); }), at_once);
  EXPECT_LT(time_of([&] { EXPECT_ERRNO(try_read(at("known/unread"), 4 * mib, 4096).error, ENETUNREACH); }),
            at_once);
  EXPECT_LT(time_of([&] {
              std::error_code error;
              const fs::directory_iterator none(at("unknown"), error);
              EXPECT_ERRNO(error.value(), ENETUNREACH);
            }),
            at_once);
}

TEST_F(OfflineTest, S4_TheServerComesBackByItself) {
  mount_and_look();
  lose_server();
  EXPECT_ERRNO(try_read(at("known/unread"), 0, 4096).error, ENETUNREACH);
  proxy_.heal();
  EXPECT_TRUE(eventually([&] { return try_read_all(at("known/unread")).bytes == pattern(2, 8 * mib); }));
  EXPECT_EQ(read_file(at("unknown/file")), "x");
}

TEST_F(OfflineTest, S4_AWaitingReadFailsAtItsDeadline) {
  mount_and_look({settled, "timeout=2s"});
  proxy_.set({.stall = true});
  const milliseconds waited =
      time_of([&] { EXPECT_ERRNO(try_read(at("known/unread"), 0, 4096).error, ETIMEDOUT); });
  EXPECT_GE(waited, milliseconds(1500));
  EXPECT_LT(waited, seconds(10));
  proxy_.heal();
  EXPECT_TRUE(eventually([&] { return try_read_all(at("known/unread")).bytes == pattern(2, 8 * mib); }));
}

TEST_F(OfflineTest, S4_AListingOfASilentServerFailsAtItsDeadline) {
  mount_and_look({settled, "timeout=2s"});
  proxy_.set({.stall = true});
  const milliseconds waited = time_of([&] {
    std::error_code error;
    const fs::directory_iterator none(at("unknown"), error);
    EXPECT_ERRNO(error.value(), ETIMEDOUT);
  });
  EXPECT_LT(waited, seconds(10));
}

TEST_F(OfflineTest, S4_WhatIsKnownDoesNotWaitForASilentServer) {
  mount_and_look({settled, "timeout=20s"});
  proxy_.set({.stall = true});
  const TempDir folder;
  ChildProcess reader({.arguments = {"cat", at("known/unread").string()}, .output = folder / "out"});
  // The daemon has asked, and waits.
  ASSERT_TRUE(eventually([&] { return gets("known/unread") > 0 || proxy_.count("GET", "unread") > 0; }));
  EXPECT_LT(time_of([&] { expect_what_is_known_to_work(); }), at_once);
  EXPECT_TRUE(reader.running());
}

TEST_F(OfflineTest, S4_AFatalSignalEndsAWaitingRead) {
  for (const int number : {SIGINT, SIGTERM, SIGKILL}) {
    write_file(share(fmt::format("known/signal-{}", number)), pattern(3, mib));
  }
  mount_and_look({settled, "timeout=60s"});
  proxy_.set({.stall = true});
  for (const int number : {SIGINT, SIGTERM, SIGKILL}) {
    const TempDir folder;
    // A file of its own for each: the fetch that the last reader left behind may still be under way.
    const std::string name = fmt::format("signal-{}", number);
    ChildProcess reader({.arguments = {"cat", at("known/" + name).string()}, .output = folder / "out"});
    ASSERT_TRUE(eventually([&] { return proxy_.count("GET", name) > 0; }));
    reader.signal(number);
    EXPECT_EQ(reader.wait(at_once), (Exit{-1, number}));
  }
}

TEST_F(OfflineTest, S4_AFatalSignalEndsAWaitingListing) {
  mount_and_look({settled, "timeout=60s"});
  proxy_.set({.stall = true});
  const TempDir folder;
  proxy_.forget();
  ChildProcess lister({.arguments = {"ls", at("unknown").string()}, .output = folder / "out"});
  ASSERT_TRUE(eventually([&] { return proxy_.count("PROPFIND", "unknown") > 0; }));
  lister.signal(SIGTERM);
  EXPECT_EQ(lister.wait(at_once), (Exit{-1, SIGTERM}));
}

TEST_F(OfflineTest, S22_StatfsAnswersAtOnce) {
  mount_and_look({settled, "timeout=60s"});
  proxy_.set({.stall = true});
  struct statvfs space{};
  EXPECT_LT(time_of([&] { EXPECT_EQ(::statvfs(mount_->root().c_str(), &space), 0); }), at_once);
  EXPECT_GT(space.f_bsize, 0U);
  EXPECT_GE(space.f_blocks, space.f_bavail);
  EXPECT_EQ(space.f_namemax, 255U);
  lose_server();
  EXPECT_LT(time_of([&] { EXPECT_EQ(::statvfs(mount_->root().c_str(), &space), 0); }), at_once);
}

TEST_F(OfflineTest, S27_MountingWorksWithoutTheServerFromWhatIsKnown) {
  mount_and_look();
  lose_server();
  EXPECT_LT(time_of([&] { mount_->remount(); }), seconds(10));
  expect_what_is_known_to_work();
  EXPECT_ERRNO(try_read(at("known/unread"), 0, 4096).error, ENETUNREACH);
  proxy_.heal();
  EXPECT_TRUE(eventually([&] { return try_read_all(at("known/unread")).bytes == pattern(2, 8 * mib); }));
}

TEST_F(OfflineTest, S27_MountingWorksWithASilentServer) {
  mount_and_look();
  proxy_.set({.stall = true});
  EXPECT_LT(time_of([&] { mount_->remount(); }), seconds(10));
  EXPECT_LT(time_of([&] { expect_what_is_known_to_work(); }), seconds(40));
}

TEST_F(OfflineTest, S27_AFirstMountOfAllSharesWithoutTheServerComesUpAndFillsInLater) {
  const TempDir folder;
  std::ignore = login(server_.url_via(proxy_.port()), folder / "account.json");
  lose_server();
  mount_.emplace(MountSpec{.url = server_.url_via(proxy_.port()),
                           .options = {watchful},
                           .log_in = false,
                           .account = folder / "account.json"});
  std::error_code error;
  const fs::directory_iterator none(mount_->root(), error);
  EXPECT_ERRNO(error.value(), ENETUNREACH);
  proxy_.heal();
  EXPECT_TRUE(eventually([&] { return try_read_all(at("share/unknown/file")).bytes == "x"; }));
  EXPECT_THAT(differences(share(), at("share")), IsEmpty());
}

TEST_F(OfflineTest, S4_TheLogSaysOnceThatTheServerIsAway) {
  mount_and_look();
  lose_server();
  for (unsigned i = 0; i < 50; ++i)
    EXPECT_ERRNO(try_read(at("known/unread"), i * 4096, 4096).error, ENETUNREACH);
  EXPECT_THAT(mount_->log(), ContainsRegex("warning .*server"));
  EXPECT_LT(std::ranges::count(mount_->log(), '\n'), 10) << mount_->log();
}

}  // namespace
}  // namespace nithronfs::test

// Group commit: who waits shares one flush; nobody returns before a flush that began after their call.
#include "../../src/dav/group_sync.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <latch>
#include <thread>
#include <vector>

namespace refserver::dav {
namespace {

constexpr std::uint64_t device = 1;

// Waits for a condition that another thread brings about; false when it never does.
template <typename Condition>
bool comes_true(Condition&& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(GroupSync, OneCallerSyncsItsOwnFile) {
  std::vector<int> synced;
  GroupSync sync({.one =
                      [&](int fd) {
                        synced.push_back(fd);
                        return 0;
                      },
                  .file_system = [](int) { return EIO; }});
  EXPECT_EQ(sync.sync(7, device), 0);
  EXPECT_EQ(synced, std::vector<int>{7});
}

TEST(GroupSync, ErrorsReachTheCaller) {
  GroupSync sync({.one = [](int) { return EIO; }, .file_system = [](int) { return 0; }});
  EXPECT_EQ(sync.sync(7, device), EIO);
}

TEST(GroupSync, ThoseWhoComeDuringASyncShareTheNext) {
  std::latch release(1);
  std::atomic<int> single{0};
  std::atomic<int> whole{0};
  GroupSync sync({.one =
                      [&](int) {
                        ++single;
                        release.wait();
                        return 0;
                      },
                  .file_system =
                      [&](int) {
                        ++whole;
                        return ENOSPC;
                      }});
  std::jthread first([&] { EXPECT_EQ(sync.sync(1, device), 0); });
  ASSERT_TRUE(comes_true([&] { return single == 1; }));
  {
    std::vector<std::jthread> others;
    for (int i = 0; i < 8; ++i) others.emplace_back([&, i] { EXPECT_EQ(sync.sync(10 + i, device), ENOSPC); });
    const bool all_there = comes_true([&] { return sync.gathered() == 8; });
    release.count_down();
    EXPECT_TRUE(all_there);
  }
  EXPECT_EQ(single, 1);
  EXPECT_EQ(whole, 1) << "eight callers, one flush";
}

TEST(GroupSync, AnotherFileSystemIsNotCoveredByTheGroup) {
  std::latch release(1);
  std::atomic<int> entered{0};
  std::atomic<int> singles{0};
  GroupSync sync({.one =
                      [&](int fd) {
                        ++entered;
                        if (fd == 1) release.wait();
                        ++singles;
                        return 0;
                      },
                  .file_system = [](int) { return EIO; }});
  std::jthread first([&] { EXPECT_EQ(sync.sync(1, device), 0); });
  ASSERT_TRUE(comes_true([&] { return entered == 1; }));
  std::jthread second([&] { EXPECT_EQ(sync.sync(2, device), 0); });
  const bool gathering = comes_true([&] { return sync.gathered() == 1; });
  EXPECT_EQ(sync.sync(3, device + 1), 0) << "does not join a group that flushes another device";
  EXPECT_EQ(singles, 1);
  release.count_down();
  EXPECT_TRUE(gathering);
}

}  // namespace
}  // namespace refserver::dav

// SIGKILL in the middle of listings and removals: what was committed is there, and it is sound.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <random>

#include "index_check.hpp"
#include "nithronfs/util/unique_fd.hpp"
#include "tree_fixture.hpp"

namespace nithronfs::tree::test {
namespace {

// Tells the parent that everything before is committed.
void report(int pipe) {
  const char byte = '.';
  if (::write(pipe, &byte, 1) != 1) ::_exit(2);
}

// Listings of changing size with changing versions, subdirectories that come and go; until killed.
[[noreturn]] void work(const std::string& directory, const remote::Share& share, std::uint64_t seed,
                       int pipe) {
  std::mt19937_64 random(seed);
  Stack stack = Stack::open(directory, share);
  Tree& tree = *stack.tree;
  const auto list = [&](NodeId node, const std::vector<remote::Entry>& entries) {
    auto update = tree.begin_listing(node);
    if (!update) ::_exit(3);
    for (std::size_t at = 0; at < entries.size(); at += 500) {
      if (!(*update)->add(std::span(entries).subspan(at, std::min<std::size_t>(500, entries.size() - at))))
        ::_exit(4);
      report(pipe);
    }
    if (!(*update)->finish(dir(""), at(1'700'000'000))) ::_exit(5);
    report(pipe);
  };
  for (std::uint64_t round = 0;; ++round) {
    std::vector<remote::Entry> entries;
    for (int i = 0; i < 3000; ++i) {
      if (random() % 4 == 0) continue;
      entries.push_back(file(fmt::format("f{}", i), fmt::format("\"{}\"", random() % 3)));
    }
    // Its absence, the next time, takes a subtree down.
    if (round % 2 == 0) entries.push_back(dir("sub"));
    list(NodeId::root, entries);
    const auto sub = tree.lookup(NodeId::root, "sub");
    if (!sub) ::_exit(6);
    if (const auto* found = std::get_if<Found>(&*sub)) list(found->inode.node, entries);
  }
}

class TreeCrashTest : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  // Ends when the child has reported `reports` times, in the middle of what it does next.
  void crash_after(int reports, std::uint64_t seed) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) work(directory_ / "", share_, seed, writer.get());
    writer.reset();
    char byte = 0;
    int received = 0;
    while (received < reports && ::read(reader.get(), &byte, 1) == 1) ++received;
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(received, reports);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself with " << WEXITSTATUS(status);
  }
  void expect_sound_before_and_after_opening() {
    {
      const auto index = store::DisposableEnvironment::open(
          {.options = {.directory = directory_ / "index", .map_size = 1 << 30, .tables = Tree::table_names()},
           .boot_id = "boot"});
      ASSERT_TRUE(index) << index.error().message;
      EXPECT_EQ((*index)->discarded_because(), "");
      EXPECT_EQ(disagreements((*index)->environment(), true), std::vector<std::string>());
    }
    const Stack stack = Stack::open(directory_ / "", share_);
    EXPECT_EQ(disagreements(stack.index->environment(), false), std::vector<std::string>());
    EXPECT_GT(stack.tree->totals()->inodes, 500U) << "what was committed is there";
  }

  nithronfs::test::TempDir directory_;
  remote::Share share_ = [] {
    remote::Share share;
    share.id = "share-1";
    return share;
  }();
};

TEST_P(TreeCrashTest, LeavesASoundIndex) {
  const std::uint64_t seed = GetParam();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  // On top of what the crash before left.
  for (int crash = 0; crash < 3; ++crash) {
    crash_after(5 + static_cast<int>(random() % 60), seed * 10 + static_cast<std::uint64_t>(crash));
    if (HasFatalFailure()) return;
    expect_sound_before_and_after_opening();
  }
}

// Node ids that a killed process gave to a kernel are not given to anything else, even if its index is gone.
TEST_P(TreeCrashTest, DoesNotBringNodeIdsBack) {
  crash_after(20, GetParam());
  if (HasFatalFailure()) return;
  NodeId last{};
  {
    const Stack stack = Stack::open(directory_ / "", share_);
    ASSERT_TRUE(stack.tree->read_directory(NodeId::root, 0, [&](const DirectoryRow& row) {
      last = std::max(last, row.inode.node);
      return true;
    }));
  }
  std::filesystem::remove_all(directory_ / "index");
  const Stack stack = Stack::open(directory_ / "", share_);
  EXPECT_GT(stack.ids->next().value(), last);
}

INSTANTIATE_TEST_SUITE_P(Seeds, TreeCrashTest, ::testing::Range(std::uint64_t{1}, std::uint64_t{9}));

}  // namespace
}  // namespace nithronfs::tree::test

// One process per directory, also when the directory is deleted under it.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "directory_lock.hpp"
#include "files.hpp"
#include "nithronfs/store/store.hpp"

namespace nithronfs::store {
namespace {

// What `work` returns in another process.
template <class Work>
int in_child(Work work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(DirectoryLockTest, KeepsOtherProcessesOutAndNamesTheHolder) {
  const test::TempDir directory;
  const std::string path = directory / "db";
  auto lock = DirectoryLock::acquire(path);
  ASSERT_TRUE(lock) << lock.error().message;
  const std::string holder = "process " + std::to_string(::getpid()) + ";";
  EXPECT_EQ(in_child([&] {
              const auto second = DirectoryLock::acquire(path);
              if (second || second.error().code != Errc::busy) return 1;
              return second.error().message.find(holder) == std::string::npos ? 2 : 0;
            }),
            0);
  EXPECT_TRUE((*lock)->still_ours());
  lock->reset();
  EXPECT_TRUE(DirectoryLock::acquire(path));
}

TEST(DirectoryLockTest, KeepsASecondEnvironmentOfOneProcessOut) {
  const test::TempDir directory;
  const Options options{.directory = directory / "db", .map_size = 1 << 24, .tables = {"table"}};
  auto first = Environment::open(options);
  ASSERT_TRUE(first) << first.error().message;
  const auto second = Environment::open(options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
  first->reset();
  EXPECT_TRUE(Environment::open(options));
}

TEST(DirectoryLockTest, IsNoLongerOursAfterTheFileWasDeleted) {
  const test::TempDir directory;
  const std::string path = directory / "db";
  const auto lock = DirectoryLock::acquire(path);
  ASSERT_TRUE(lock);
  std::filesystem::remove(path + "/owner.lock");
  EXPECT_FALSE((*lock)->still_ours());
  const auto second = DirectoryLock::acquire(path);
  ASSERT_TRUE(second);
  EXPECT_TRUE((*second)->still_ours());
  EXPECT_FALSE((*lock)->still_ours());
}

TEST(DirectoryLockTest, AFileInPlaceOfTheDirectoryIsAnError) {
  const test::TempDir directory;
  ASSERT_TRUE(DirectoryLock::acquire(directory / "db"));
  const auto lock = DirectoryLock::acquire(directory / "db/owner.lock");
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().code, Errc::not_directory);
}

TEST(EnvironmentDeletionTest, GoesOnWhenItsDirectoryIsDeletedAndTakenOver) {
  const test::TempDir directory;
  const Options options{.directory = directory / "db", .map_size = 1 << 24, .tables = {"table"}};
  const auto put = [](Environment& environment, std::string_view value) {
    WriteTxn txn = environment.write();
    return txn.put(Table{0}, "key", value) && txn.commit();
  };
  const auto first = Environment::open(options);
  ASSERT_TRUE(first);
  ASSERT_TRUE(put(**first, "first"));
  std::filesystem::remove_all(options.directory);
  const auto second = Environment::open(options);
  ASSERT_TRUE(second) << second.error().message;
  ASSERT_TRUE(put(**second, "second"));
  ASSERT_TRUE(put(**first, "still first"));
  EXPECT_TRUE((*first)->sync());
  EXPECT_EQ(**(*first)->read().get(Table{0}, "key"), "still first");
  EXPECT_EQ(**(*second)->read().get(Table{0}, "key"), "second");
}

}  // namespace
}  // namespace nithronfs::store

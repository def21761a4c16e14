// When a disposable database is believed after a close, a crash, a reboot, a change of schema.
#include "nithronfs/store/index_stamp.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "files.hpp"

namespace nithronfs::store {
namespace {

constexpr Table kTable{0};

class DisposableEnvironmentTest : public ::testing::Test {
 protected:
  using Opened = Result<std::unique_ptr<DisposableEnvironment>>;

  Opened open() { return DisposableEnvironment::open(params); }
  static bool put(DisposableEnvironment& index) {
    WriteTxn txn = index.environment().write();
    return txn.put(kTable, "key", "value") && txn.commit();
  }
  static bool has_content(DisposableEnvironment& index) {
    return index.environment().read().get(kTable, "key")->has_value();
  }
  void fill_and_close() {
    const auto index = open();
    ASSERT_TRUE(index) << index.error().message;
    ASSERT_TRUE(put(**index));
  }
  // As if the process had been killed: nothing is closed.
  void fill_and_crash() {
    const pid_t child = ::fork();
    if (child == 0) {
      auto index = open();
      ::_exit(index && put(**index) ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }
  void expect_kept() {
    const auto index = open();
    ASSERT_TRUE(index) << index.error().message;
    EXPECT_TRUE(has_content(**index));
    EXPECT_EQ((*index)->discarded_because(), "");
  }
  void expect_discarded(std::string_view reason) {
    const auto index = open();
    ASSERT_TRUE(index) << index.error().message;
    EXPECT_FALSE(has_content(**index));
    EXPECT_NE((*index)->discarded_because().find(reason), std::string::npos) << (*index)->discarded_because();
  }

  test::TempDir directory;
  DisposableEnvironment::Params params{
      .options = {.directory = directory / "index", .map_size = 1 << 24, .tables = {"table"}},
      .schema = 3,
      .boot_id = "boot-1"};
};

TEST_F(DisposableEnvironmentTest, StartsEmptyWithoutComplaint) {
  const auto index = open();
  ASSERT_TRUE(index);
  EXPECT_FALSE(has_content(**index));
  EXPECT_EQ((*index)->discarded_because(), "");
}

TEST_F(DisposableEnvironmentTest, IsKeptAfterACleanCloseInTheSameBoot) {
  fill_and_close();
  expect_kept();
}

TEST_F(DisposableEnvironmentTest, IsKeptAfterACrashInTheSameBoot) {
  fill_and_crash();
  expect_kept();
}

TEST_F(DisposableEnvironmentTest, IsKeptAfterACleanCloseAndAReboot) {
  fill_and_close();
  params.boot_id = "boot-2";
  expect_kept();
}

TEST_F(DisposableEnvironmentTest, IsThrownAwayAfterACrashAndAReboot) {
  fill_and_crash();
  params.boot_id = "boot-2";
  expect_discarded("the machine went down");
  fill_and_close();
  expect_kept();
}

// The clean mark of the last close must be gone as soon as the index is open again.
TEST_F(DisposableEnvironmentTest, AnOldCleanMarkDoesNotVouchForACrashLater) {
  fill_and_close();
  fill_and_crash();
  params.boot_id = "boot-2";
  expect_discarded("the machine went down");
}

TEST_F(DisposableEnvironmentTest, IsThrownAwayWithAnotherSchema) {
  fill_and_close();
  params.schema = 4;
  expect_discarded("schema 3");
}

TEST_F(DisposableEnvironmentTest, IsThrownAwayWithoutAStamp) {
  fill_and_close();
  std::filesystem::remove(params.options.directory + "/stamp");
  expect_discarded("no stamp");
}

TEST_F(DisposableEnvironmentTest, IsThrownAwayWithAStampOfTheFuture) {
  fill_and_close();
  std::ofstream(params.options.directory + "/stamp", std::ios::trunc)
      << "nithronfs index stamp 2\nwhatever\n";
  expect_discarded("no stamp that this version understands");
}

TEST_F(DisposableEnvironmentTest, IsThrownAwayWhenItIsGarbage) {
  fill_and_close();
  std::ofstream(params.options.directory + "/data.mdb", std::ios::trunc) << std::string(100'000, '#');
  expect_discarded("cannot open the database");
}

TEST_F(DisposableEnvironmentTest, IsThrownAwayWhenItIsCutShort) {
  {
    const auto index = open();
    ASSERT_TRUE(index);
    WriteTxn txn = (*index)->environment().write();
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(txn.put(kTable, std::to_string(i), std::string(1000, 'x')));
    ASSERT_TRUE(txn.commit());
  }
  std::filesystem::resize_file(params.options.directory + "/data.mdb", 1 << 16);
  expect_discarded("cut short");
}

TEST_F(DisposableEnvironmentTest, ASecondOneIsRefusedAndHarmsNothing) {
  fill_and_close();
  const auto first = open();
  ASSERT_TRUE(first);
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
  EXPECT_TRUE(has_content(**first));
}

TEST_F(DisposableEnvironmentTest, WorksOnWhenItsDirectoryIsDeleted) {
  auto first = open();
  ASSERT_TRUE(first);
  ASSERT_TRUE(put(**first));
  std::filesystem::remove_all(params.options.directory);
  EXPECT_TRUE(has_content(**first));
  EXPECT_TRUE(put(**first));
  first->reset();
  EXPECT_FALSE(std::filesystem::exists(params.options.directory));
  fill_and_close();
  expect_kept();
}

// Somebody empties the directory, a second mount starts in it and crashes, and the machine goes down: the
// first one, closing in between, must not have vouched for the second one's index.
TEST_F(DisposableEnvironmentTest, DoesNotVouchForAnIndexThatIsNotItsOwn) {
  auto first = open();
  ASSERT_TRUE(first);
  for (const auto& file : std::filesystem::directory_iterator(params.options.directory)) {
    std::filesystem::remove(file);
  }
  fill_and_crash();
  first->reset();
  params.boot_id = "boot-2";
  expect_discarded("the machine went down");
}

TEST_F(DisposableEnvironmentTest, NeedsABootId) {
  params.boot_id = "";
  EXPECT_EQ(open().error().code, Errc::invalid_argument);
  params.boot_id = "two\nlines";
  EXPECT_EQ(open().error().code, Errc::invalid_argument);
}

TEST(BootIdTest, IsOneStableLine) {
  const auto id = current_boot_id();
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_EQ(id->size(), 36U);
  EXPECT_EQ(id->find('\n'), std::string::npos);
  EXPECT_EQ(current_boot_id(), *id);
}

}  // namespace
}  // namespace nithronfs::store

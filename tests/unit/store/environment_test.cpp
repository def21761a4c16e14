// Transactions, cursors, errors of one LMDB environment.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "files.hpp"
#include "nithronfs/store/store.hpp"

namespace nithronfs::store {
namespace {

constexpr Table kFirst{0};
constexpr Table kSecond{1};

class EnvironmentTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Environment>> try_open() { return Environment::open(options); }
  void open() {
    auto opened = try_open();
    ASSERT_TRUE(opened) << opened.error().message;
    environment = *std::move(opened);
  }
  void put(std::string_view key, std::string_view value) {
    WriteTxn txn = environment->write();
    ASSERT_TRUE(txn.put(kFirst, key, value));
    ASSERT_TRUE(txn.commit());
  }
  std::string get(std::string_view key) {
    const ReadTxn txn = environment->read();
    const auto value = txn.get(kFirst, key);
    return value && *value ? std::string(**value) : "(none)";
  }

  test::TempDir directory;
  Options options{.directory = directory / "a/b/db", .map_size = 1 << 24, .tables = {"first", "second"}};
  std::unique_ptr<Environment> environment;
};

TEST_F(EnvironmentTest, CreatesItsDirectoryForTheOwnerAlone) {
  open();
  struct stat status{};
  ASSERT_EQ(::stat(options.directory.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0700U);
  EXPECT_GT(environment->bytes_on_disk(), 0U);
}

TEST_F(EnvironmentTest, KeepsWhatWasCommittedAndNothingElse) {
  for (const Durability durability : {Durability::synced, Durability::unsynced}) {
    options.directory = directory / (durability == Durability::synced ? "synced" : "unsynced");
    options.durability = durability;
    open();
    put("kept", "value");
    {
      WriteTxn dropped = environment->write();
      ASSERT_TRUE(dropped.put(kFirst, "dropped", "value"));
      ASSERT_TRUE(dropped.erase(kFirst, "kept"));
    }
    EXPECT_TRUE(environment->sync());
    environment.reset();
    open();
    EXPECT_EQ(get("kept"), "value");
    EXPECT_EQ(get("dropped"), "(none)");
    environment.reset();
  }
}

TEST_F(EnvironmentTest, ReadsAConsistentViewWhileOthersWrite) {
  open();
  put("key", "old");
  const ReadTxn before = environment->read();
  ASSERT_EQ(**before.get(kFirst, "key"), "old");
  put("key", "new");
  EXPECT_EQ(**before.get(kFirst, "key"), "old");
  EXPECT_EQ(get("key"), "new");
}

TEST_F(EnvironmentTest, ReusedReadersSeeTheLatestCommit) {
  open();
  for (int i = 0; i < 100; ++i) {
    put("key", std::to_string(i));
    EXPECT_EQ(get("key"), std::to_string(i));
  }
}

TEST_F(EnvironmentTest, TablesAreSeparate) {
  open();
  put("key", "value");
  const ReadTxn txn = environment->read();
  EXPECT_FALSE(txn.get(kSecond, "key")->has_value());
  EXPECT_EQ(txn.count(kFirst), 1U);
  EXPECT_EQ(txn.count(kSecond), 0U);
}

TEST_F(EnvironmentTest, TellsWhetherSomethingWasErased) {
  open();
  put("key", "value");
  WriteTxn txn = environment->write();
  EXPECT_EQ(txn.erase(kFirst, "key"), true);
  EXPECT_EQ(txn.erase(kFirst, "key"), false);
}

TEST_F(EnvironmentTest, AppendsOnlyInOrder) {
  open();
  WriteTxn txn = environment->write();
  ASSERT_TRUE(txn.append(kFirst, "b", "1"));
  ASSERT_TRUE(txn.append(kFirst, "c", "2"));
  const auto refused = txn.append(kFirst, "a", "3");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::exists);
  ASSERT_TRUE(txn.commit());
  EXPECT_EQ(get("a"), "(none)");
  EXPECT_EQ(get("c"), "2");
}

TEST_F(EnvironmentTest, ClearsATable) {
  open();
  put("a", "1");
  put("b", "2");
  WriteTxn txn = environment->write();
  ASSERT_TRUE(txn.clear(kFirst));
  ASSERT_TRUE(txn.commit());
  EXPECT_EQ(environment->read().count(kFirst), 0U);
}

TEST_F(EnvironmentTest, CursorsWalkInByteOrder) {
  open();
  const std::vector<std::string> keys = {"a", std::string("a\0b", 3), "b", "\x7f", "\xff"};
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) put(*key, *key + "!");
  const ReadTxn txn = environment->read();
  Cursor cursor(txn, kFirst);
  std::vector<std::string> seen;
  for (auto row = cursor.seek({}); *row; row = cursor.next()) {
    seen.emplace_back((*row)->key);
    EXPECT_EQ((*row)->value, seen.back() + "!");
  }
  EXPECT_EQ(seen, keys);
  EXPECT_EQ((**cursor.seek("aa")).key, "b");
  EXPECT_EQ((**cursor.last()).key, "\xff");
  EXPECT_FALSE(cursor.seek("\xff\x01")->has_value());
}

TEST_F(EnvironmentTest, CursorsOfWritersSeeTheirOwnChanges) {
  open();
  put("a", "1");
  WriteTxn txn = environment->write();
  ASSERT_TRUE(txn.put(kFirst, "b", "2"));
  {
    Cursor cursor(txn, kFirst);
    EXPECT_EQ((**cursor.last()).key, "b");
  }
  ASSERT_TRUE(txn.commit());
}

TEST_F(EnvironmentTest, RefusesKeysThatTheFormatCannotHold) {
  open();
  WriteTxn txn = environment->write();
  const auto too_long = txn.put(kFirst, std::string(512, 'k'), "value");
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().code, Errc::invalid_argument);
}

TEST_F(EnvironmentTest, AFullMapIsAnErrorAndNotTheEnd) {
  options.map_size = 1 << 18;
  open();
  put("key", "value");
  {
    WriteTxn txn = environment->write();
    const std::string big(8192, 'x');
    Result<void> outcome;
    for (int i = 0; i < 1000 && outcome; ++i) outcome = txn.put(kFirst, std::to_string(i), big);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::out_of_memory);
  }
  EXPECT_EQ(get("key"), "value");
  put("key", "another");
  EXPECT_EQ(get("key"), "another");
}

TEST_F(EnvironmentTest, ACommittedTransactionDoesNothingMore) {
  open();
  WriteTxn txn = environment->write();
  ASSERT_TRUE(txn.put(kFirst, "key", "value"));
  ASSERT_TRUE(txn.commit());
  EXPECT_FALSE(txn.put(kFirst, "later", "value"));
  EXPECT_FALSE(txn.commit());
}

TEST_F(EnvironmentTest, SaysThatGarbageIsCorrupt) {
  open();
  environment.reset();
  std::ofstream(options.directory + "/data.mdb", std::ios::trunc) << std::string(100'000, '#');
  const auto garbage = try_open();
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().code, Errc::corrupt);
}

// Without the check at open, the first look behind the end would be a SIGBUS.
TEST_F(EnvironmentTest, SaysThatACutDatabaseIsCorrupt) {
  open();
  WriteTxn txn = environment->write();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(txn.put(kFirst, std::to_string(i), std::string(1000, 'x')));
  ASSERT_TRUE(txn.commit());
  environment.reset();
  std::filesystem::resize_file(options.directory + "/data.mdb", 1 << 16);
  const auto cut = try_open();
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, Errc::corrupt);
}

}  // namespace
}  // namespace nithronfs::store

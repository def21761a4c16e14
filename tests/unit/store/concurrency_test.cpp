// Readers beside writers, and more readers than there is room for.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <thread>
#include <vector>

#include "files.hpp"
#include "nithronfs/store/store.hpp"

namespace nithronfs::store {
namespace {

constexpr Table kTable{0};

std::unique_ptr<Environment> open(const test::TempDir& directory, unsigned max_readers) {
  auto environment = Environment::open({.directory = directory / "db",
                                        .map_size = 1 << 26,
                                        .max_readers = max_readers,
                                        .tables = {"table"},
                                        .durability = Durability::unsynced});
  EXPECT_TRUE(environment) << environment.error().message;
  return environment ? *std::move(environment) : nullptr;
}

TEST(ConcurrencyTest, ReadersNeverSeeHalfATransaction) {
  const test::TempDir directory;
  const auto environment = open(directory, 128);
  ASSERT_TRUE(environment);
  const auto write = [&](int value) {
    WriteTxn txn = environment->write();
    return txn.put(kTable, "one", std::to_string(value)) && txn.put(kTable, "two", std::to_string(value)) &&
           txn.commit();
  };
  ASSERT_TRUE(write(0));
  std::atomic<bool> done = false;
  std::atomic<int> mixed = 0;
  std::atomic<int> reads = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 8; ++i) {
    readers.emplace_back([&] {
      int last = 0;
      while (!done) {
        const ReadTxn txn = environment->read();
        const auto one = txn.get(kTable, "one");
        const auto two = txn.get(kTable, "two");
        if (!one || !two || *one != *two) {
          ++mixed;
          break;
        }
        const int value = std::stoi(std::string(**one));
        if (value < last) ++mixed;
        last = value;
        ++reads;
      }
    });
  }
  std::thread second_writer([&] {
    for (int i = 0; i < 500; ++i) {
      WriteTxn txn = environment->write();
      if (!txn.put(kTable, std::to_string(i), "row") || !txn.commit()) ++mixed;
    }
  });
  for (int i = 1; i <= 2000 || reads == 0; ++i) ASSERT_TRUE(write(i));
  second_writer.join();
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(mixed, 0);
  EXPECT_GT(reads, 0);
  EXPECT_EQ(environment->read().count(kTable), 502U);
}

TEST(ConcurrencyTest, MoreReadersThanThereIsRoomForIsAnErrorThatPasses) {
  const test::TempDir directory;
  const auto environment = open(directory, 8);
  ASSERT_TRUE(environment);
  std::deque<ReadTxn*> held;
  struct Guard {
    std::deque<ReadTxn*>& held;
    ~Guard() {
      for (const ReadTxn* txn : held) delete txn;
    }
  } guard{held};
  Result<std::uint64_t> counted = 0;
  while (counted && held.size() < 100) {
    held.push_back(new ReadTxn(environment->read()));
    counted = held.back()->count(kTable);
  }
  ASSERT_FALSE(counted);
  EXPECT_EQ(counted.error().code, Errc::busy);
  EXPECT_EQ(held.size(), 9U);
  delete held.front();
  held.pop_front();
  EXPECT_TRUE(environment->read().count(kTable));
}

}  // namespace
}  // namespace nithronfs::store

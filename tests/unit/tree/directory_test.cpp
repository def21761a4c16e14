// Reading directories in pieces while they change (S14).
#include <random>
#include <set>
#include <thread>

#include "tree_fixture.hpp"

namespace nithronfs::tree {
namespace {

using test::at;
using test::dir;
using test::file;

class DirectoryTest : public test::TreeTest {
 protected:
  static std::vector<remote::Entry> files(int count) {
    std::vector<remote::Entry> entries;
    for (int i = 0; i < count; ++i) entries.push_back(file("f" + std::to_string(i), "\"1\""));
    return entries;
  }
};

TEST_F(DirectoryTest, OffsetsGrowWithAgeAndStartAboveZero) {
  list(NodeId::root, {file("b", "\"1\""), file("a", "\"1\"")});
  list(NodeId::root, {file("b", "\"1\""), file("a", "\"1\""), file("0", "\"1\"")});
  const auto rows = read(NodeId::root);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_GT(rows[0].offset, 0U);
  EXPECT_EQ(rows[0].name, "b");
  EXPECT_EQ(rows[1].name, "a");
  EXPECT_EQ(rows[2].name, "0");
  EXPECT_LT(rows[0].offset, rows[1].offset);
  EXPECT_LT(rows[1].offset, rows[2].offset);
}

TEST_F(DirectoryTest, AnOffsetIsNeverGivenToAnotherName) {
  list(NodeId::root, {file("a", "\"1\""), file("b", "\"1\"")});
  const std::uint64_t of_b = read(NodeId::root)[1].offset;
  list(NodeId::root, {file("a", "\"1\"")});
  reopen();
  list(NodeId::root, {file("a", "\"1\""), file("c", "\"1\"")});
  EXPECT_GT(read(NodeId::root)[1].offset, of_b);
}

TEST_F(DirectoryTest, StopsWhereItIsToldAndGoesOnBehind) {
  list(NodeId::root, files(10));
  const auto first = read(NodeId::root, 0, 4);
  ASSERT_EQ(first.size(), 4U);
  const auto rest = read(NodeId::root, first.back().offset);
  ASSERT_EQ(rest.size(), 6U);
  EXPECT_GT(rest.front().offset, first.back().offset);
  EXPECT_TRUE(read(NodeId::root, rest.back().offset).empty());
  EXPECT_TRUE(read(NodeId::root, UINT64_MAX).empty());
}

TEST_F(DirectoryTest, DoesNotRunIntoTheNextDirectory) {
  list(NodeId::root, {dir("d"), dir("e")});
  const NodeId d = get("d").node;
  const NodeId e = get("e").node;
  list(d, {file("in-d", "\"1\"")});
  list(e, {file("in-e", "\"1\"")});
  EXPECT_EQ(names(d), std::vector<std::string>{"in-d"});
  EXPECT_EQ(names(e), std::vector<std::string>{"in-e"});
}

TEST_F(DirectoryTest, RowsCarryTheirInodes) {
  list(NodeId::root, {file("a", "\"1\"", 77), dir("d")});
  std::vector<Inode> inodes;
  ASSERT_TRUE(tree().read_directory(NodeId::root, 0, [&](const DirectoryRow& row) {
    inodes.push_back(row.inode);
    return true;
  }));
  ASSERT_EQ(inodes.size(), 2U);
  EXPECT_EQ(inodes[0].version.size, 77U);
  EXPECT_EQ(inodes[0].node, get("a").node);
  EXPECT_EQ(inodes[1].kind, remote::Kind::directory);
  EXPECT_EQ(inodes[1].version.etag, "") << "nothing of the row before shines through";
}

// S14, with everything happening between two chunks that can happen.
TEST_F(DirectoryTest, AHundredThousandEntriesListCompletelyWhileTheyChange) {
  constexpr int kEntries = 100'000;
  auto entries = files(kEntries);
  list(NodeId::root, entries);
  std::mt19937_64 random(14);
  std::set<std::string> removed;
  std::set<std::string> seen;
  std::uint64_t after = 0;
  std::uint64_t added = 0;
  for (;;) {
    const auto rows = read(NodeId::root, after, 1000);
    if (rows.empty()) break;
    for (const auto& row : rows) {
      ASSERT_GT(row.offset, after);
      after = row.offset;
      ASSERT_TRUE(seen.insert(row.name).second) << row.name << " twice";
    }
    for (int i = 0; i < 5; ++i) {
      const std::string victim = "f" + std::to_string(random() % kEntries);
      if (!removed.insert(victim).second) continue;
      ASSERT_TRUE(tree().apply_absence(get(victim).node));
    }
    const std::string replaced = "f" + std::to_string(random() % kEntries);
    if (!removed.contains(replaced)) {
      ASSERT_TRUE(
          tree().apply_entry(get(replaced).node, file("", "\"" + std::to_string(after) + "\""), at(1)));
    }
    if (added < 200) list_in_part(NodeId::root, {file("new" + std::to_string(added++), "\"1\"")});
  }
  for (int i = 0; i < kEntries; ++i) {
    const std::string name = "f" + std::to_string(i);
    EXPECT_TRUE(seen.contains(name) || removed.contains(name)) << name << " is missing";
  }
}

TEST_F(DirectoryTest, ReadersRunBesideAWriter) {
  auto entries = files(2000);
  list(NodeId::root, entries);
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&, i] {
      std::mt19937_64 random(static_cast<std::uint64_t>(i));
      while (!done) {
        // f0 … f1999 are there all the time, in one version or another.
        const auto found = tree().lookup(NodeId::root, "f" + std::to_string(random() % 2000));
        if (!found || !std::holds_alternative<Found>(*found)) ++wrong;
        std::set<std::string> names;
        if (!tree().read_directory(NodeId::root, 0, [&](const DirectoryRow& row) {
              if (!names.emplace(row.name).second) ++wrong;
              return true;
            })) {
          ++wrong;
        }
        if (names.size() < 2000) ++wrong;
      }
    });
  }
  for (int round = 0; round < 20; ++round) {
    for (std::size_t i = 0; i < entries.size(); i += 7) entries[i].version.size += 1;
    auto extended = entries;
    extended.push_back(file("extra" + std::to_string(round), "\"1\""));
    list(NodeId::root, extended);
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace nithronfs::tree

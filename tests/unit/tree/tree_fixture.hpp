// A tree on a real index and state, that can be closed, crashed and opened again.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "files.hpp"
#include "nithronfs/store/index_stamp.hpp"
#include "nithronfs/tree/tree.hpp"

namespace nithronfs::tree::test {

inline WallTime at(std::int64_t seconds) {
  return WallTime(std::chrono::seconds(seconds));
}

inline remote::Entry file(std::string name, std::string etag, std::uint64_t size = 10,
                          std::int64_t mtime = 1'700'000'000) {
  remote::Entry entry;
  entry.name = std::move(name);
  entry.version = {.etag = std::move(etag), .size = size, .mtime = {.seconds = mtime}};
  return entry;
}

inline remote::Entry dir(std::string name, std::int64_t mtime = 1'700'000'000) {
  remote::Entry entry;
  entry.name = std::move(name);
  entry.kind = remote::Kind::directory;
  entry.version.mtime.seconds = mtime;
  return entry;
}

struct SeenRow {
  std::uint64_t offset;
  std::string name;
  NodeId node;
};

// Databases and tree. Members die in reverse order.
struct Stack {
  std::unique_ptr<store::Environment> state;
  std::unique_ptr<store::DisposableEnvironment> index;
  std::unique_ptr<NodeIds> ids;
  std::unique_ptr<Tree> tree;

  // Throws what went wrong, which fails the test.
  static Stack open(const std::string& directory, const std::optional<remote::Share>& share) {
    const auto check = [](auto result) {
      if (!result) throw std::runtime_error(result.error().message);
      return *std::move(result);
    };
    Stack stack;
    stack.state = check(store::Environment::open(
        {.directory = directory + "/state", .map_size = 1 << 24, .tables = {"meta"}}));
    stack.index = check(store::DisposableEnvironment::open(
        {.options = {.directory = directory + "/index", .map_size = 1 << 30, .tables = Tree::table_names()},
         .boot_id = "boot"}));
    stack.ids = check(NodeIds::open(*stack.state, store::Table{0}));
    stack.tree = check(Tree::open({.index = stack.index->environment(),
                                   .first_table = store::Table{0},
                                   .ids = *stack.ids,
                                   .single_share = share}));
    return stack;
  }
};

class TreeTest : public ::testing::Test {
 protected:
  void SetUp() override { stack_ = Stack::open(directory_ / "", share_); }

  [[nodiscard]] Tree& tree() { return *stack_->tree; }
  void close() { stack_.reset(); }
  void reopen() {
    close();
    stack_ = Stack::open(directory_ / "", share_);
  }
  void lose_index() {
    close();
    std::filesystem::remove_all(directory_ / "index");
    stack_ = Stack::open(directory_ / "", share_);
  }

  Changes list(NodeId directory, const std::vector<remote::Entry>& entries,
               std::int64_t seconds = 1'700'000'100, remote::Entry self = dir("")) {
    auto update = tree().begin_listing(directory);
    EXPECT_TRUE(update) << update.error().message;
    if (!update) return {};
    const auto added = (*update)->add(entries);
    EXPECT_TRUE(added) << added.error().message;
    auto changes = (*update)->finish(self, at(seconds));
    EXPECT_TRUE(changes) << changes.error().message;
    return changes ? *std::move(changes) : Changes();
  }
  // Adds without finishing.
  Changes list_in_part(NodeId directory, const std::vector<remote::Entry>& entries) {
    auto update = tree().begin_listing(directory);
    EXPECT_TRUE(update);
    EXPECT_TRUE((*update)->add(entries));
    return (*update)->take_changes();
  }
  // Fails the test when it is not there.
  Inode get(NodeId parent, std::string_view name) {
    const auto found = tree().lookup(parent, name);
    EXPECT_TRUE(found) << found.error().message;
    if (found && std::holds_alternative<Found>(*found)) return std::get<Found>(*found).inode;
    ADD_FAILURE() << name << " is not there";
    return {};
  }
  Inode get(std::string_view name) { return get(NodeId::root, name); }
  Inode inode(NodeId node) {
    auto inode = tree().inode(node);
    EXPECT_TRUE(inode) << inode.error().message;
    return inode ? *std::move(inode) : Inode();
  }
  bool absent(NodeId parent, std::string_view name) {
    const auto found = tree().lookup(parent, name);
    return found && std::holds_alternative<Absent>(*found);
  }
  bool unknown(NodeId parent, std::string_view name) {
    const auto found = tree().lookup(parent, name);
    return found && std::holds_alternative<Unknown>(*found);
  }
  std::vector<SeenRow> read(NodeId directory, std::uint64_t after = 0, std::size_t limit = SIZE_MAX) {
    std::vector<SeenRow> rows;
    const auto done = tree().read_directory(directory, after, [&](const DirectoryRow& row) {
      rows.push_back({row.offset, std::string(row.name), row.inode.node});
      return rows.size() < limit;
    });
    EXPECT_TRUE(done) << done.error().message;
    return rows;
  }
  std::vector<std::string> names(NodeId directory) {
    std::vector<std::string> names;
    for (const SeenRow& row : read(directory)) names.push_back(row.name);
    std::ranges::sort(names);
    return names;
  }
  Errc error_of(const auto& result) { return result ? Errc::io : result.error().code; }

  nithronfs::test::TempDir directory_;
  std::optional<remote::Share> share_ = [] {
    remote::Share share;
    share.id = "share-1";
    share.name = "Photos";
    return share;
  }();
  std::optional<Stack> stack_;
};

}  // namespace nithronfs::tree::test

// Random listings, answers, removals and restarts: after each, the tree answers what the model knows.
#include <fmt/format.h>

#include <random>

#include "index_check.hpp"
#include "model.hpp"
#include "tree_fixture.hpp"

namespace nithronfs::tree::test {
namespace {

constexpr int kNames = 12;  // few, so that operations meet
constexpr int kMaxDepth = 3;

template <class T>
std::set<T> set_of(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}

class TreeModelTest : public TreeTest, public ::testing::WithParamInterface<std::uint64_t> {
 protected:
  using Listing = DirectoryState::Listing;

  std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  bool chance(std::uint64_t percent) { return pick(100) < percent; }

  remote::Entry random_entry(std::string name, const ModelNode* known, bool may_be_directory) {
    if (known != nullptr && chance(70)) {
      remote::Entry same = known->kind == remote::Kind::directory ? dir(name) : file(name, "");
      if (known->kind == remote::Kind::file) same.version = known->version;
      return same;
    }
    if (may_be_directory && chance(35)) return dir(std::move(name));
    return file(std::move(name), fmt::format("\"{}\"", ++versions_), pick(3),
                1'700'000'000 + int64_t(pick(2)));
  }
  std::vector<remote::Entry> random_listing(const ModelNode& directory, int depth) {
    std::vector<remote::Entry> entries;
    for (int i = 0; i < kNames; ++i) {
      if (!chance(60)) continue;
      const std::string name = fmt::format("n{}", i);
      const auto known = directory.children.find(name);
      entries.push_back(random_entry(name, known == directory.children.end() ? nullptr : known->second.get(),
                                     depth < kMaxDepth));
    }
    std::ranges::shuffle(entries, random_);
    return entries;
  }
  // A random directory and how deep it is.
  std::pair<ModelNode*, int> random_directory() {
    ModelNode* at = &model_.root;
    for (int depth = 0;; ++depth) {
      std::vector<ModelNode*> below;
      for (const auto& [name, child] : at->children) {
        if (child->kind == remote::Kind::directory) below.push_back(child.get());
      }
      if (below.empty() || chance(40)) return {at, depth};
      at = below[pick(below.size())];
    }
  }

  void add_in_batches(ListingUpdate& update, std::span<const remote::Entry> entries) {
    while (!entries.empty()) {
      const std::size_t some = std::min<std::size_t>(entries.size(), 1 + pick(4));
      ASSERT_TRUE(update.add(entries.first(some)));
      entries = entries.subspan(some);
    }
  }

  void complete_listing();
  void dropped_listing();
  void overlapping_listings();
  void fresh_answer();
  void absence();
  void forget_one();
  void restart();

  void expect(const Expected& expected, const Changes& changes, const ModelNode& directory);
  void check(ModelNode& node, const std::string& path);
  void check_listing(ModelNode& directory);
  void learn(ModelNode& child, const Inode& inode, const std::string& path);
  void check_gone();

  std::mt19937_64 random_{GetParam()};
  Model model_;
  std::uint64_t versions_ = 0;
  std::uint64_t clock_ = 1'700'000'000;
  std::set<NodeId> used_{NodeId::none, NodeId::root};
  std::set<NodeId> gone_;       // superseded, not forgotten
  std::set<NodeId> forgotten_;  // no trace may be left
  std::map<NodeId, std::set<std::uint64_t>> offsets_;
  std::map<std::string, std::uint64_t> inos_;  // by path and version
  std::map<NodeId, Timestamp> mtimes_;
};

void TreeModelTest::expect(const Expected& expected, const Changes& changes, const ModelNode& directory) {
  EXPECT_EQ(set_of(changes.names), expected.names);
  EXPECT_EQ(changes.names.size(), expected.names.size()) << "a name is reported twice";
  EXPECT_EQ(set_of(changes.removed_directories), expected.removed_directories);
  EXPECT_EQ(set_of(changes.superseded), expected.superseded);
  if (!expected.names.empty()) {
    EXPECT_EQ(changes.directory, directory.node);
    EXPECT_GT(inode(directory.node).version.mtime, mtimes_[directory.node]) << "K4";
  }
  gone_.insert(expected.gone.begin(), expected.gone.end());
}

void TreeModelTest::complete_listing() {
  const auto [directory, depth] = random_directory();
  const auto entries = random_listing(*directory, depth);
  Expected expected;
  model_.complete(*directory, entries, expected);
  const auto update = tree().begin_listing(directory->node);
  ASSERT_TRUE(update);
  add_in_batches(**update, entries);
  const auto changes = (*update)->finish(dir(""), at(static_cast<std::int64_t>(++clock_)));
  ASSERT_TRUE(changes) << changes.error().message;
  expect(expected, *changes, *directory);
}

void TreeModelTest::dropped_listing() {
  const auto [directory, depth] = random_directory();
  const auto entries = random_listing(*directory, depth);
  if (entries.empty()) return;
  Expected expected;
  model_.partial(*directory, entries, expected);
  const auto update = tree().begin_listing(directory->node);
  ASSERT_TRUE(update);
  add_in_batches(**update, entries);
  Changes changes = (*update)->take_changes();
  EXPECT_EQ(set_of(changes.names), expected.names);
  EXPECT_EQ(set_of(changes.removed_directories), expected.removed_directories);
  EXPECT_EQ(set_of(changes.superseded), expected.superseded);
  gone_.insert(expected.gone.begin(), expected.gone.end());
}

// Whatever the order in which rows and ends arrive, the later question has the answer.
void TreeModelTest::overlapping_listings() {
  const auto [directory, depth] = random_directory();
  const auto old_rows = random_listing(*directory, depth);
  const auto new_rows = random_listing(*directory, depth);
  auto earlier = tree().begin_listing(directory->node);
  auto later = tree().begin_listing(directory->node);
  ASSERT_TRUE(earlier && later);
  std::size_t of_old = 0;
  std::size_t of_new = 0;
  while (of_old < old_rows.size() || of_new < new_rows.size()) {
    const bool old_next = of_new == new_rows.size() || (of_old < old_rows.size() && chance(50));
    auto& from = old_next ? of_old : of_new;
    const auto& rows = old_next ? old_rows : new_rows;
    ASSERT_TRUE((old_next ? *earlier : *later)->add(std::span(rows).subspan(from, 1)));
    ++from;
  }
  const auto end = [&](ListingUpdate& update) {
    const auto changes = update.finish(dir(""), at(static_cast<std::int64_t>(++clock_)));
    ASSERT_TRUE(changes) << changes.error().message;
  };
  const bool in_order = chance(50);
  end(in_order ? **earlier : **later);
  if (in_order || chance(50)) end(in_order ? **later : **earlier);

  Expected ignored;
  model_.complete(*directory, new_rows, ignored);
  // What the earlier one said in between may have given a name another node, or taken it away for a moment:
  // those are learnt anew.
  for (const SeenRow& row : read(directory->node)) {
    auto& child = directory->children[row.name];
    ASSERT_TRUE(child) << row.name;
    if (row.node != child->node) {
      auto fresh = std::make_unique<ModelNode>();
      fresh->kind = child->kind;
      fresh->version = child->version;
      fresh->offset = child->offset;
      child = std::move(fresh);
    }
    if (row.offset != child->offset) child->offset = 0;
  }
}

void TreeModelTest::fresh_answer() {
  const auto [directory, depth] = random_directory();
  if (directory->children.empty()) return;
  const auto child =
      std::next(directory->children.begin(), static_cast<std::ptrdiff_t>(pick(directory->children.size())));
  const NodeId node = child->second->node;
  const auto entry = random_entry(child->first, child->second.get(), depth < kMaxDepth);
  Expected expected;
  model_.row(*directory, entry, expected);
  const auto changes = tree().apply_entry(node, entry, at(static_cast<std::int64_t>(++clock_)));
  ASSERT_TRUE(changes) << changes.error().message;
  expect(expected, *changes, *directory);
}

void TreeModelTest::absence() {
  const auto [directory, depth] = random_directory();
  if (directory->children.empty()) return;
  const auto child =
      std::next(directory->children.begin(), static_cast<std::ptrdiff_t>(pick(directory->children.size())));
  const NodeId node = child->second->node;
  Expected expected;
  model_.remove(*directory, std::string(child->first), expected);
  const auto changes = tree().apply_absence(node);
  ASSERT_TRUE(changes) << changes.error().message;
  expect(expected, *changes, *directory);
}

void TreeModelTest::forget_one() {
  if (gone_.empty()) return;
  const auto node = std::next(gone_.begin(), static_cast<std::ptrdiff_t>(pick(gone_.size())));
  ASSERT_TRUE(tree().forget(*node));
  forgotten_.insert(*node);
  gone_.erase(node);
}

void TreeModelTest::restart() {
  reopen();
  forgotten_.insert(gone_.begin(), gone_.end());
  gone_.clear();
}

void TreeModelTest::learn(ModelNode& child, const Inode& inode, const std::string& path) {
  if (child.node == NodeId::none) {
    EXPECT_TRUE(used_.insert(inode.node).second) << path << ": a node id was used again (K1)";
    child.node = inode.node;
    child.ino = inode.ino;
    const std::string version =
        child.kind == remote::Kind::directory
            ? "directory"
            : fmt::format("{} {} {}", child.version.etag, child.version.size, child.version.mtime.seconds);
    const auto [known, fresh] = inos_.emplace(path + "\n" + version, inode.ino);
    EXPECT_EQ(known->second, inode.ino) << path << ": the same path and version, another st_ino (K1)";
  }
  EXPECT_EQ(inode.node, child.node) << path;
  EXPECT_EQ(inode.ino, child.ino) << path;
}

void TreeModelTest::check_listing(ModelNode& directory) {
  std::set<std::string> names;
  std::uint64_t after = 0;
  for (;;) {
    const auto rows = read(directory.node, after, 1 + pick(5));
    if (rows.empty()) break;
    for (const SeenRow& row : rows) {
      ASSERT_GT(row.offset, after);
      after = row.offset;
      ASSERT_TRUE(names.insert(row.name).second) << row.name << " twice";
      const auto child = directory.children.find(row.name);
      ASSERT_NE(child, directory.children.end()) << row.name;
      EXPECT_EQ(row.node, child->second->node) << row.name;
      if (child->second->offset == 0) {
        EXPECT_TRUE(offsets_[directory.node].insert(row.offset).second) << row.name << " got a used offset";
        child->second->offset = row.offset;
      }
      EXPECT_EQ(row.offset, child->second->offset) << row.name << " moved";
    }
  }
  EXPECT_EQ(names.size(), directory.children.size());
}

void TreeModelTest::check(ModelNode& node, const std::string& path) {
  if (node.kind == remote::Kind::file) return;
  const auto state = tree().directory(node.node);
  ASSERT_TRUE(state) << path;
  EXPECT_EQ(state->listing, node.listing) << path;
  EXPECT_EQ(state->entries, node.children.size()) << path;
  mtimes_[node.node] = inode(node.node).version.mtime;
  for (int i = 0; i < kNames; ++i) {
    const std::string name = fmt::format("n{}", i);
    const std::string child_path = path.empty() ? name : path + "/" + name;
    const auto child = node.children.find(name);
    if (child == node.children.end()) {
      EXPECT_TRUE(node.listing == Listing::complete ? absent(node.node, name) : unknown(node.node, name))
          << child_path;
      continue;
    }
    const Inode found = get(node.node, name);
    EXPECT_EQ(found.kind, child->second->kind) << child_path;
    if (found.kind == remote::Kind::file) {
      EXPECT_EQ(found.version, child->second->version) << child_path;
    }
    learn(*child->second, found, child_path);
    EXPECT_EQ(tree().location(found.node)->path, child_path);
    check(*child->second, child_path);
  }
  check_listing(node);
}

void TreeModelTest::check_gone() {
  for (const NodeId node : gone_) EXPECT_TRUE(inode(node).superseded);
  for (const NodeId node : forgotten_) EXPECT_EQ(error_of(tree().inode(node)), Errc::stale);
  EXPECT_EQ(disagreements(stack_->index->environment(), true), std::vector<std::string>());
}

TEST_P(TreeModelTest, AnswersWhatTheModelKnows) {
  SCOPED_TRACE(fmt::format("seed {}", GetParam()));
  model_.root.node = NodeId::root;
  for (int step = 0; step < 150 && !HasFailure(); ++step) {
    SCOPED_TRACE(fmt::format("step {}", step));
    const std::uint64_t what = pick(100);
    if (what < 35) {
      complete_listing();
    } else if (what < 50) {
      dropped_listing();
    } else if (what < 60) {
      overlapping_listings();
    } else if (what < 75) {
      fresh_answer();
    } else if (what < 85) {
      absence();
    } else if (what < 95) {
      forget_one();
    } else {
      restart();
    }
    if (HasFatalFailure()) return;
    check(model_.root, "");
    check_gone();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TreeModelTest, ::testing::Range(std::uint64_t{1}, std::uint64_t{31}));

}  // namespace
}  // namespace nithronfs::tree::test

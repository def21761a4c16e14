// Listings: streaming in, failing half-way, overlapping.
#include "tree_fixture.hpp"

namespace nithronfs::tree {
namespace {

using test::at;
using test::dir;
using test::file;
using Names = std::vector<std::string>;
using Nodes = std::vector<NodeId>;

class ListingTest : public test::TreeTest {
 protected:
  std::unique_ptr<ListingUpdate> begin(NodeId directory = NodeId::root) {
    auto update = tree().begin_listing(directory);
    EXPECT_TRUE(update) << update.error().message;
    return update ? *std::move(update) : nullptr;
  }
  static void add(ListingUpdate& update, std::vector<remote::Entry> entries) {
    const auto added = update.add(entries);
    EXPECT_TRUE(added) << added.error().message;
  }
  static Changes finish(ListingUpdate& update, std::int64_t seconds = 1'700'000'200) {
    auto changes = update.finish(dir(""), at(seconds));
    EXPECT_TRUE(changes) << changes.error().message;
    return changes ? *std::move(changes) : Changes();
  }
  DirectoryState state(NodeId directory = NodeId::root) { return *tree().directory(directory); }
};

TEST_F(ListingTest, BeforeTheFirstOneNothingIsKnown) {
  EXPECT_TRUE(unknown(NodeId::root, "a"));
  EXPECT_EQ(state().listing, DirectoryState::Listing::never);
  EXPECT_TRUE(names(NodeId::root).empty());
}

TEST_F(ListingTest, NamesShowWhileTheyArriveAndAbsenceOnlyAtTheEnd) {
  const auto update = begin();
  add(*update, {file("a", "\"1\"")});
  EXPECT_EQ(get("a").version.etag, "\"1\"");
  EXPECT_TRUE(unknown(NodeId::root, "b"));
  EXPECT_EQ(state().listing, DirectoryState::Listing::partial);
  add(*update, {file("c", "\"1\"")});
  finish(*update);
  EXPECT_TRUE(absent(NodeId::root, "b"));
  EXPECT_EQ(state().listing, DirectoryState::Listing::complete);
  EXPECT_EQ(state().entries, 2U);
  EXPECT_EQ(state().verified, at(1'700'000'200));
  EXPECT_EQ(*tree().verified(get("a")), at(1'700'000'200));
}

TEST_F(ListingTest, TheFirstOneReportsNoNamesForNoAnswerChanged) {
  const Changes changes = list(NodeId::root, {file("a", "\"1\""), dir("d")});
  EXPECT_TRUE(changes.names.empty());
  EXPECT_EQ(changes.attributes, Nodes{NodeId::root});
  EXPECT_EQ(inode(NodeId::root).version.mtime, (Timestamp{.seconds = 1'700'000'000})) << "as the server says";
}

TEST_F(ListingTest, TheSameAgainChangesNothing) {
  const std::vector<remote::Entry> entries = {file("a", "\"1\""), dir("d")};
  list(NodeId::root, entries);
  const Inode before = get("a");
  EXPECT_TRUE(list(NodeId::root, entries).empty());
  EXPECT_EQ(get("a").node, before.node);
}

TEST_F(ListingTest, ReportsWhatCameWentAndChanged) {
  list(NodeId::root,
       {file("kept", "\"1\""), file("changed", "\"1\""), file("gone", "\"1\""), dir("gone-dir")});
  const NodeId changed = get("changed").node;
  const NodeId gone = get("gone").node;
  Changes changes =
      list(NodeId::root, {file("kept", "\"1\""), file("changed", "\"2\""), file("new", "\"1\"")});
  std::ranges::sort(changes.names);
  std::ranges::sort(changes.superseded);
  EXPECT_EQ(changes.directory, NodeId::root);
  EXPECT_EQ(changes.names, (Names{"changed", "gone", "gone-dir", "new"}));
  EXPECT_EQ(changes.removed_directories, Names{"gone-dir"});
  EXPECT_EQ(changes.superseded, (Nodes{changed, gone}));
  EXPECT_EQ(names(NodeId::root), (Names{"changed", "kept", "new"}));
  EXPECT_EQ(state().entries, 3U);
}

// Invariant 4: absence from a listing that failed means nothing.
TEST_F(ListingTest, OneThatFailsRemovesNothingAndItsChangesCanBeReported) {
  list(NodeId::root, {file("a", "\"1\""), file("b", "\"1\"")});
  {
    const auto update = begin();
    add(*update, {file("a", "\"2\""), file("c", "\"1\"")});
    EXPECT_EQ(update->take_changes().names, (Names{"a", "c"}));
    EXPECT_TRUE(update->take_changes().empty());
  }
  EXPECT_EQ(names(NodeId::root), (Names{"a", "b", "c"}));
  EXPECT_EQ(get("a").version.etag, "\"2\"");
  EXPECT_EQ(state().listing, DirectoryState::Listing::complete);
  EXPECT_EQ(state().verified, at(1'700'000'100)) << "it is as fresh as it was";
}

TEST_F(ListingTest, AFirstOneThatFailsLeavesTheDirectoryPartlyKnown) {
  EXPECT_TRUE(list_in_part(NodeId::root, {file("a", "\"1\"")}).names.empty());
  EXPECT_TRUE(unknown(NodeId::root, "b"));
  // Somebody may have been shown that part, so the next listing has to move the mtime.
  const Timestamp before = inode(NodeId::root).version.mtime;
  const Changes changes = list(NodeId::root, {file("a", "\"1\""), file("b", "\"1\"")});
  EXPECT_EQ(changes.attributes, Nodes{NodeId::root});
  EXPECT_GT(inode(NodeId::root).version.mtime, before);
  EXPECT_TRUE(absent(NodeId::root, "c"));
}

TEST_F(ListingTest, RefusesNamesThatNobodyCanHold) {
  using namespace std::string_literals;
  for (const std::string& name : {""s, "."s, ".."s, "a/b"s, "a\0b"s, std::string(256, 'x')}) {
    const auto update = begin();
    const auto refused = update->add(std::vector{file("good", "\"1\""), file(name, "\"1\"")});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::bad_name);
  }
  EXPECT_TRUE(names(NodeId::root).empty());
  list(NodeId::root, {file(std::string(255, 'x'), "\"1\""), file("new\nline", "\"1\"")});
  EXPECT_EQ(names(NodeId::root).size(), 2U);
}

TEST_F(ListingTest, ADirectoryThatIsAFileAfterAllIsAnError) {
  const auto update = begin();
  EXPECT_EQ(update->finish(file("", "\"1\""), at(1)).error().code, Errc::protocol);
  EXPECT_EQ(state().listing, DirectoryState::Listing::never);
}

TEST_F(ListingTest, IsStaleWhenItsDirectoryGoes) {
  list(NodeId::root, {dir("d")});
  const NodeId d = get("d").node;
  const auto update = begin(d);
  add(*update, {file("a", "\"1\"")});
  ASSERT_TRUE(tree().apply_absence(d));
  EXPECT_EQ(update->add(std::vector{file("b", "\"1\"")}).error().code, Errc::stale);
  EXPECT_EQ(update->finish(dir(""), at(1)).error().code, Errc::stale);
  EXPECT_TRUE(names(d).empty());
  EXPECT_EQ(error_of(tree().begin_listing(d)), Errc::stale);
}

TEST_F(ListingTest, ANameGivenTwiceIsThereOnce) {
  const auto update = begin();
  add(*update, {file("a", "\"1\""), file("a", "\"1\"")});
  add(*update, {file("a", "\"2\"")});
  finish(*update);
  EXPECT_EQ(names(NodeId::root), Names{"a"});
  EXPECT_EQ(state().entries, 1U);
}

TEST_F(ListingTest, TakesMoreThanOneTransactionHolds) {
  std::vector<remote::Entry> entries;
  for (int i = 0; i < 20'000; ++i) entries.push_back(file("f" + std::to_string(i), "\"1\""));
  list(NodeId::root, entries);
  EXPECT_EQ(state().entries, 20'000U);
  entries.erase(entries.begin() + 1, entries.end() - 1);
  EXPECT_EQ(list(NodeId::root, entries).names.size(), 19'998U);
  EXPECT_EQ(names(NodeId::root), (Names{"f0", "f19999"}));
}

// The later question has the later answer, in whatever order the rows arrive.
TEST_F(ListingTest, RowsOfAnEarlierListingDoNotOverruleALaterOne) {
  list(NodeId::root, {file("a", "\"1\"")});
  const auto earlier = begin();
  const auto later = begin();
  add(*later, {file("a", "\"2\"")});
  add(*earlier, {file("a", "\"1\"")});
  EXPECT_EQ(get("a").version.etag, "\"2\"");
  finish(*earlier);
  EXPECT_EQ(get("a").version.etag, "\"2\"");
  finish(*later);
  EXPECT_EQ(get("a").version.etag, "\"2\"");
}

TEST_F(ListingTest, AnEarlierListingDoesNotRemoveWhatALaterOneSaw) {
  list(NodeId::root, {file("a", "\"1\"")});
  const auto earlier = begin();
  const auto later = begin();
  add(*later, {file("a", "\"1\""), file("new", "\"1\"")});
  finish(*earlier);
  EXPECT_EQ(names(NodeId::root), (Names{"a", "new"}));
  finish(*later);
  EXPECT_EQ(names(NodeId::root), (Names{"a", "new"}));
}

TEST_F(ListingTest, AListingOvertakenByALaterOneChangesNothingMore) {
  list(NodeId::root, {file("a", "\"1\""), file("b", "\"1\"")});
  const auto earlier = begin();
  add(*earlier, {file("ghost", "\"1\"")});
  const auto later = begin();
  add(*later, {file("a", "\"2\"")});
  finish(*later, 1'700'000'300);
  EXPECT_EQ(names(NodeId::root), Names{"a"}) << "also what the earlier one had brought is gone";
  add(*earlier, {file("a", "\"1\""), file("b", "\"1\"")});
  finish(*earlier, 1'700'000'400);
  EXPECT_EQ(names(NodeId::root), Names{"a"});
  EXPECT_EQ(get("a").version.etag, "\"2\"");
  EXPECT_EQ(state().verified, at(1'700'000'300));
}

TEST_F(ListingTest, ALaterListingThatFailsStillCountsForWhatItSaw) {
  list(NodeId::root, {file("a", "\"1\""), file("b", "\"1\"")});
  const auto earlier = begin();
  {
    const auto later = begin();
    add(*later, {file("a", "\"2\"")});
  }
  add(*earlier, {file("a", "\"1\"")});
  finish(*earlier);
  EXPECT_EQ(names(NodeId::root), Names{"a"});
  EXPECT_EQ(get("a").version.etag, "\"2\"");
}

TEST_F(ListingTest, AFreshAnswerAboutOneNameOutlivesTheListing) {
  list(NodeId::root, {file("a", "\"1\""), file("b", "\"1\"")});
  const auto update = begin();
  ASSERT_TRUE(tree().apply_entry(get("a").node, file("", "\"2\""), at(1'700'000'150)));
  add(*update, {file("a", "\"1\"")});
  EXPECT_EQ(get("a").version.etag, "\"2\"");
  ASSERT_TRUE(tree().apply_entry(get("b").node, file("", "\"1\""), at(1'700'000'150)));
  finish(*update);
  EXPECT_EQ(names(NodeId::root), (Names{"a", "b"}));
}

TEST_F(ListingTest, ListingsOfDifferentDirectoriesDoNotMeet) {
  list(NodeId::root, {dir("d"), dir("e")});
  const NodeId d = get("d").node;
  const NodeId e = get("e").node;
  const auto in_d = begin(d);
  const auto in_e = begin(e);
  add(*in_d, {file("a", "\"1\"")});
  finish(*in_e);
  add(*in_d, {file("b", "\"1\"")});
  finish(*in_d);
  EXPECT_EQ(names(d), (Names{"a", "b"}));
  EXPECT_TRUE(names(e).empty());
}

// What was complete stays an answer, so a name that comes while it is listed anew is reported.
TEST_F(ListingTest, OfTwoFirstListingsTheSecondReportsWhatItAdds) {
  const auto earlier = begin();
  const auto later = begin();
  add(*earlier, {file("a", "\"1\"")});
  EXPECT_TRUE(finish(*earlier).names.empty());
  EXPECT_TRUE(absent(NodeId::root, "b"));
  add(*later, {file("a", "\"1\""), file("b", "\"1\"")});
  EXPECT_EQ(finish(*later).names, Names{"b"});
}

}  // namespace
}  // namespace nithronfs::tree

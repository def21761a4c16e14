// Look-ups and directories: what costs a request, what never waits, and what happens without the server.
#include "vfs_fixture.hpp"

namespace nithronfs::vfs {
namespace {

class NamesTest : public VfsTest {};

TEST_F(NamesTest, FirstLookupListsOnceThenNothingIsAsked) {
  server.put("a", "1");
  server.put("b", "22");
  const auto a = lookup(NodeId::root, "a");
  ASSERT_TRUE(a->ok());
  EXPECT_EQ((**a).size, 1U);
  EXPECT_EQ((**lookup(NodeId::root, "b")).size, 2U);
  EXPECT_EQ(lookup(NodeId::root, "c")->error(), Errc::not_found);
  EXPECT_EQ(names(NodeId::root), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(server.requests, (std::vector<std::string>{"LIST "}));
}

TEST_F(NamesTest, ManyWaitersAreOneListing) {
  server.put("a", "1");
  server.hold = true;
  const auto first = lookup(NodeId::root, "a");
  const auto second = lookup(NodeId::root, "nothing");
  const auto third = open_directory(NodeId::root);
  EXPECT_TRUE(first->pending() && second->pending() && third->pending());
  server.release();
  crank.run_ready();
  EXPECT_TRUE(first->ok());
  EXPECT_EQ(second->error(), Errc::not_found);
  EXPECT_TRUE(third->ok());
  EXPECT_EQ(server.requests.size(), 1U);
}

TEST_F(NamesTest, S4_WithoutTheServerUnknownFailsAndKnownWorks) {
  server.mkdir("known");
  server.put("known/file", "1");
  server.mkdir("unknown");
  const auto known = (**lookup(NodeId::root, "known")).node;
  const auto unknown = (**lookup(NodeId::root, "unknown")).node;
  ASSERT_TRUE(open_directory(known)->ok());
  server.failure = Error{Errc::offline, "no route"};
  EXPECT_EQ(open_directory(unknown)->error(), Errc::offline);
  EXPECT_EQ(lookup(unknown, "x")->error(), Errc::offline);
  grow_old();
  EXPECT_TRUE(open_directory(known)->ok());
  EXPECT_TRUE(lookup(known, "file")->ok());
  EXPECT_EQ(lookup(known, "other")->error(), Errc::not_found);
  EXPECT_EQ(names(known), (std::vector<std::string>{"file"}));
}

TEST_F(NamesTest, AnOldListingIsShownAtOnceAndRefreshedBehind) {
  server.put("a", "1");
  ASSERT_TRUE(open_directory(NodeId::root)->ok());
  grow_old();
  server.put("b", "2");
  server.remove("a");
  server.hold = true;
  EXPECT_TRUE(open_directory(NodeId::root)->ok());
  EXPECT_EQ(names(NodeId::root), (std::vector<std::string>{"a"}));
  observer.seen.clear();
  server.release();
  crank.run_ready();
  EXPECT_EQ(names(NodeId::root), (std::vector<std::string>{"b"}));
  EXPECT_TRUE(observer.told(NodeId::root, "a"));
  EXPECT_TRUE(observer.told(NodeId::root, "b"));
}

TEST_F(NamesTest, AbsenceInAnOldListingIsAskedAgain) {
  ASSERT_TRUE(open_directory(NodeId::root)->ok());
  server.put("new", "1");
  EXPECT_EQ(lookup(NodeId::root, "new")->error(), Errc::not_found);
  grow_old();
  EXPECT_TRUE(lookup(NodeId::root, "new")->ok());
}

TEST_F(NamesTest, NobodyWaitsTwiceForAServerThatIsAway) {
  ASSERT_TRUE(open_directory(NodeId::root)->ok());
  server.failure = Error{Errc::offline, "no route"};
  grow_old();
  lookup(NodeId::root, "x");
  const auto before = server.requests.size();
  EXPECT_EQ(lookup(NodeId::root, "y")->error(), Errc::not_found);
  EXPECT_EQ(server.requests.size(), before);
}

TEST_F(NamesTest, AWaitingLookupEndsAtTheDeadlineAndByInterrupt) {
  server.hold = true;
  CancelSource interrupt;
  const auto interrupted = lookup(NodeId::root, "a", interrupt.token());
  const auto patient = lookup(NodeId::root, "a");
  interrupt.cancel();
  crank.run_ready();
  EXPECT_EQ(interrupted->error(), Errc::interrupted);
  EXPECT_TRUE(patient->pending());
  crank.advance(options.timeout + std::chrono::seconds(1));
  EXPECT_EQ(patient->error(), Errc::timed_out);
}

TEST_F(NamesTest, S27_StartsFromWhatIsKnown) {
  server.mkdir("d");
  server.put("d/f", "123");
  const auto before = **lookup((**lookup(NodeId::root, "d")).node, "f");
  stop();
  server.failure = Error{Errc::offline, "no route"};
  start();
  const auto after = lookup((**lookup(NodeId::root, "d")).node, "f");
  ASSERT_TRUE(after->ok());
  EXPECT_EQ((**after).ino, before.ino);
  EXPECT_EQ((**after).size, 3U);
}

TEST_F(NamesTest, AVanishedDirectoryIsBelievedThroughItsParent) {
  server.mkdir("d");
  const auto node = (**lookup(NodeId::root, "d")).node;
  server.remove("d");
  EXPECT_EQ(open_directory(node)->error(), Errc::not_found);
  crank.run_ready();
  EXPECT_EQ(server.count("LIST "), 3U);  // the root, d, and the root again
  EXPECT_EQ(lookup(NodeId::root, "d")->error(), Errc::not_found);
}

TEST_F(NamesTest, S13_RefusedNamesBecomeOneProblem) {
  server.refused = {{"/dav/s/..", "the name is \"..\""}};
  open_directory(NodeId::root);
  grow_old();
  open_directory(NodeId::root);
  const auto problems = vfs->problems();
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_NE(problems[0].message.find("cannot be shown"), std::string::npos);
}

TEST_F(NamesTest, S22_StatfsNeverWaits) {
  server.hold = true;
  const auto first = vfs->space();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->total_bytes, 0U);
  server.release();
  crank.run_ready();
  const auto second = vfs->space();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->total_bytes, 1000U);
  EXPECT_EQ(second->available_bytes, 400U);
  EXPECT_EQ(server.count("SPACE"), 1U);
}

}  // namespace
}  // namespace nithronfs::vfs

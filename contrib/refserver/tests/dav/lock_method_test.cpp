// LOCK, UNLOCK and PROPPATCH through the handlers.
#include <gtest/gtest.h>

#include "dav_fixture.hpp"
#include "multistatus_reader.hpp"

namespace refserver::dav {
namespace {

constexpr std::string_view exclusive =
    "<lockinfo xmlns='DAV:'><lockscope><exclusive/></lockscope><locktype><write/></locktype>"
    "<owner>ann &amp; co</owner></lockinfo>";
constexpr std::string_view shared =
    "<lockinfo xmlns='DAV:'><lockscope><shared/></lockscope><locktype><write/></locktype></lockinfo>";
constexpr std::string_view set_colour =
    "<propertyupdate xmlns='DAV:'><set><prop><c:colour xmlns:c='urn:c'>red &amp; <b/></c:colour></prop></set>"
    "</propertyupdate>";

std::string token_of(const Answer& answer) {
  return answer.header("Lock-Token");
}
Headers if_token(const std::string& token) {
  return {{"If", "(" + token + ")"}};
}

TEST_P(AnyDav, ALockKeepsOthersOut) {
  write_file("f", "old");
  const Answer locked = send("LOCK", "f", {{"Depth", "0"}, {"Timeout", "Second-120"}}, exclusive);
  EXPECT_EQ(locked.status, 200);
  EXPECT_NE(locked.body.find("<D:timeout>Second-120</D:timeout>"), std::string::npos);
  EXPECT_NE(locked.body.find("ann &amp; co"), std::string::npos);
  EXPECT_EQ(send("LOCK", "f", {}, exclusive).status, 423);
  EXPECT_EQ(send("PUT", "f", {}, "new").status, 423);
  EXPECT_EQ(send("DELETE", "f").status, 423);
  EXPECT_EQ(send("MOVE", "f", {{"Destination", "/dav/sh%201/g"}}).status, 423);
  EXPECT_EQ(send("PROPPATCH", "f", {}, set_colour).status, 423);
  EXPECT_EQ(send("GET", "f").body, "old") << "a write lock";
  EXPECT_EQ(send("PUT", "f", if_token(token_of(locked)), "new").status / 100, 2);
  EXPECT_EQ(send("PUT", "f", if_token("<urn:uuid:other>"), "new").status, 412);
  EXPECT_EQ(read_file("f"), "new");
}

TEST_P(AnyDav, TheRefusalNamesTheLock) {
  write_file("d/f", "old");
  const Answer locked = send("LOCK", "d", {{"Depth", "infinity"}}, exclusive);
  ASSERT_EQ(locked.status, 200);
  const Answer refused = send("PUT", "d/f", {}, "new");
  EXPECT_EQ(refused.status, 423);
  EXPECT_NE(refused.body.find("<D:lock-token-submitted><D:href>/dav/sh%201/d</D:href>"), std::string::npos);
}

TEST_P(AnyDav, TokensOfOtherUsersDoNotOpen) {
  write_file("f", "old");
  const std::string token = token_of(send("LOCK", "f", {}, exclusive));
  EXPECT_EQ(send(request("PUT", "f", if_token(token)), "new", "bob").status, 423);
  EXPECT_EQ(send(request("UNLOCK", "f", {{"Lock-Token", token}}), "", "bob").status, 409);
}

TEST_P(AnyDav, LockOnAFreeNameMakesAnEmptyFile) {
  const Answer locked = send("LOCK", "new", {{"Depth", "0"}}, exclusive);
  EXPECT_EQ(locked.status, 201);
  EXPECT_TRUE(exists("new"));
  EXPECT_EQ(read_file("new"), "");
  EXPECT_EQ(catalog_.reports, std::vector<std::string>{"created new"});
  EXPECT_EQ(send("LOCK", "missing/new", {}, exclusive).status, 409);
}

TEST_P(AnyDav, UnlockNeedsTheTokenOfThisResource) {
  write_file("f", "x");
  write_file("g", "x");
  const std::string token = token_of(send("LOCK", "f", {}, exclusive));
  EXPECT_EQ(send("UNLOCK", "f").status, 400);
  EXPECT_EQ(send("UNLOCK", "f", {{"Lock-Token", "<urn:uuid:other>"}}).status, 409);
  EXPECT_EQ(send("UNLOCK", "g", {{"Lock-Token", token}}).status, 409);
  EXPECT_EQ(send("UNLOCK", "f", {{"Lock-Token", token}}).status, 204);
  EXPECT_EQ(send("PUT", "f", {}, "new").status / 100, 2);
}

TEST_P(AnyDav, LocksEndByThemselvesUnlessRefreshed) {
  write_file("f", "x");
  const std::string token = token_of(send("LOCK", "f", {{"Timeout", "Second-100"}}, exclusive));
  now_ += std::chrono::seconds(90);
  EXPECT_EQ(send("LOCK", "f", {{"If", "(" + token + ")"}, {"Timeout", "Second-100"}}).status, 200);
  EXPECT_EQ(send("LOCK", "f").status, 400) << "a refresh names its lock";
  now_ += std::chrono::seconds(90);
  EXPECT_EQ(send("PUT", "f", {}, "new").status, 423);
  now_ += std::chrono::seconds(10);
  EXPECT_EQ(send("LOCK", "f", if_token(token)).status, 412);
  EXPECT_EQ(send("PUT", "f", {}, "new").status / 100, 2);
}

TEST_P(AnyDav, ALockedDirectoryGuardsItsNames) {
  write_file("d/f", "x");
  const std::string token = token_of(send("LOCK", "d", {{"Depth", "infinity"}}, exclusive));
  EXPECT_EQ(send("DELETE", "d/f").status, 423);
  EXPECT_EQ(send("MKCOL", "d/e").status, 423);
  EXPECT_EQ(send("PUT", "d/new", {}, "x").status, 423);
  // The way a client removes a tree on a server without conditions: under its lock.
  const Headers tagged{{"If", "<http://nas:8443/dav/sh%201/d> (" + token + ")"}};
  EXPECT_EQ(send("DELETE", "d", tagged).status, 204);
  EXPECT_TRUE(names_in("").empty());
  EXPECT_EQ(send("MKCOL", "d").status, 201) << "the lock went with the directory";
}

TEST_P(AnyDav, DepthOneIsNoLockDepth) {
  write_file("f", "x");
  EXPECT_EQ(send("LOCK", "f", {{"Depth", "1"}}, exclusive).status, 400);
  EXPECT_EQ(send("LOCK", "f", {}, "<nonsense/>").status, 400);
}

TEST_P(AnyDav, ListingsShowLocks) {
  write_file("f", "x");
  ASSERT_EQ(send("LOCK", "f", {}, exclusive).status, 200);
  const auto rows = read_multistatus(send("PROPFIND", "f", {{"Depth", "0"}},
                                          "<propfind xmlns='DAV:'><prop><lockdiscovery/></prop></propfind>")
                                         .body);
  EXPECT_NE(rows.begin()->second.dav("lockdiscovery").find("activelock"), std::string::npos);
}

TEST_F(FullDav, SharedLocksShare) {
  write_file("f", "x");
  const Answer first = send("LOCK", "f", {}, shared);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(send(request("LOCK", "f"), shared, "bob").status, 200);
  EXPECT_EQ(send("LOCK", "f", {}, exclusive).status, 423);
  EXPECT_EQ(send("PUT", "f", {}, "new").status, 423);
  EXPECT_EQ(send("PUT", "f", if_token(token_of(first)), "new").status, 204);
}

TEST_F(StockDav, ThereAreNoSharedLocks) {
  write_file("f", "x");
  EXPECT_EQ(send("LOCK", "f", {}, shared).status, 501);
}

TEST_F(FullDav, EtagsInTheIfHeaderCount) {
  write_file("f", "x");
  const std::string tag = etag_of("f");
  EXPECT_EQ(send("PUT", "f", {{"If", "([\"gone\"])"}}, "new").status, 412);
  EXPECT_EQ(send("PUT", "f", {{"If", "([" + tag + "])"}}, "new").status, 204);
  EXPECT_EQ(send("PUT", "f", {{"If", "(garbage"}}, "new").status, 400);
}

// --- PROPPATCH
// -----------------------------------------------------------------------------------------------

constexpr std::string_view ask_colour =
    "<propfind xmlns='DAV:'><prop><colour xmlns='urn:c'/></prop></propfind>";
const XmlName colour{"urn:c", "colour"};

class FullProperties : public FullDav {
 protected:
  Row colour_of(std::string_view path) {
    const auto rows = read_multistatus(send("PROPFIND", path, {{"Depth", "0"}}, ask_colour).body);
    return rows.empty() ? Row{} : rows.begin()->second;
  }
};

TEST_F(FullProperties, AreKeptAndShown) {
  write_file("f", "x");
  const Answer answer = send("PROPPATCH", "f", {}, set_colour);
  EXPECT_EQ(answer.status, 207);
  EXPECT_TRUE(read_multistatus(answer.body).at("/dav/sh%201/f").found.contains(colour));
  EXPECT_EQ(colour_of("f").found.at(colour), "red &amp; <b xmlns=\"DAV:\"/>");
  const auto all = read_multistatus(send("PROPFIND", "f", {{"Depth", "0"}}).body);
  EXPECT_TRUE(all.begin()->second.found.contains(colour));
}

TEST_F(FullProperties, SurviveARestart) {
  write_file("f", "x");
  send("PROPPATCH", "f", {}, set_colour);
  const DeadProperties reopened(database_);
  ASSERT_EQ(reopened.of(share_.id, "f").size(), 1U);
  EXPECT_EQ(reopened.of(share_.id, "f").front().name, colour);
}

TEST_F(FullProperties, FollowMoveCopyDeleteAndPut) {
  write_file("d/f", "x");
  write_file("d-2/f", "x");
  send("PROPPATCH", "d/f", {}, set_colour);
  send("PROPPATCH", "d-2/f", {}, set_colour);
  send("PUT", "d/f", {}, "new");
  EXPECT_TRUE(colour_of("d/f").found.contains(colour)) << "a new version is the same resource";
  send("MOVE", "d", {{"Destination", "/dav/sh%201/e"}});
  EXPECT_TRUE(colour_of("e/f").found.contains(colour));
  write_file("d/f", "another");
  EXPECT_FALSE(colour_of("d/f").found.contains(colour));
  send("COPY", "e", {{"Destination", "/dav/sh%201/g"}});
  EXPECT_TRUE(colour_of("g/f").found.contains(colour));
  EXPECT_TRUE(colour_of("e/f").found.contains(colour));
  send("DELETE", "e");
  write_file("e/f", "another");
  EXPECT_FALSE(colour_of("e/f").found.contains(colour));
  EXPECT_TRUE(colour_of("d-2/f").found.contains(colour)) << "a neighbour with a similar name";
}

TEST_F(FullProperties, AreRemovedOnRequest) {
  write_file("f", "x");
  send("PROPPATCH", "f", {}, set_colour);
  send("PROPPATCH", "f", {},
       "<propertyupdate xmlns='DAV:'><remove><prop><colour xmlns='urn:c'/></prop></remove></propertyupdate>");
  EXPECT_EQ(colour_of("f").others.at(colour), 404);
  EXPECT_TRUE(state_.dead_properties.none_in(share_.id));
}

TEST_F(FullProperties, LiveOnesAreProtectedAndNothingElseIsDoneThen) {
  write_file("f", "x");
  const Answer answer = send("PROPPATCH", "f", {},
                             "<propertyupdate xmlns='DAV:'><set><prop><getetag>mine</getetag>"
                             "<colour xmlns='urn:c'>red</colour></prop></set></propertyupdate>");
  const Row row = read_multistatus(answer.body).at("/dav/sh%201/f");
  EXPECT_EQ(row.others.at({"DAV:", "getetag"}), 403);
  EXPECT_EQ(row.others.at(colour), 424);
  EXPECT_FALSE(colour_of("f").found.contains(colour));
}

TEST_F(FullProperties, AreBounded) {
  write_file("f", "x");
  const std::string large(DeadProperties::max_bytes_per_resource, 'x');
  const Answer answer = send("PROPPATCH", "f", {},
                             "<propertyupdate xmlns='DAV:'><set><prop><colour xmlns='urn:c'>" + large +
                                 "</colour></prop></set></propertyupdate>");
  EXPECT_EQ(read_multistatus(answer.body).at("/dav/sh%201/f").others.at(colour), 507);
  EXPECT_TRUE(state_.dead_properties.none_in(share_.id));
}

TEST_F(StockDav, PropertiesCannotBeSet) {
  write_file("f", "x");
  const Answer answer = send("PROPPATCH", "f", {}, set_colour);
  EXPECT_EQ(answer.status, 207);
  EXPECT_EQ(read_multistatus(answer.body).at("/dav/sh%201/f").others.at(colour), 403);
}

}  // namespace
}  // namespace refserver::dav

// MKCOL, DELETE, COPY and MOVE in both profiles.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "dav_fixture.hpp"

namespace refserver::dav {
namespace {

using Names = std::vector<std::string>;
using Reports = std::vector<std::string>;

Headers to(std::string_view path, std::string overwrite = "") {
  Headers headers{{"Destination", "http://nas:8443/dav/sh%201/" + std::string(path)}};
  if (!overwrite.empty()) headers.set("Overwrite", std::move(overwrite));
  return headers;
}

Headers with(Headers headers, std::string name, std::string value) {
  headers.set(name, std::move(value));
  return headers;
}

TEST_P(AnyDav, MkcolMakesOneDirectory) {
  EXPECT_EQ(send("MKCOL", "d/").status, 201);
  EXPECT_TRUE(std::filesystem::is_directory(on_disk("d")));
  EXPECT_EQ(send("MKCOL", "d").status, 405);
  EXPECT_EQ(send("MKCOL", "").status, 405);
  EXPECT_EQ(send("MKCOL", "missing/d").status, 409);
  EXPECT_EQ(send("MKCOL", "e", {}, "<x/>").status, 415);
  write_file("f", "x");
  EXPECT_EQ(send("MKCOL", "f").status, 405);
  EXPECT_EQ(send("MKCOL", "f/d").status, 409);
  EXPECT_EQ(names_in(""), (Names{"d", "f"}));
  EXPECT_EQ(catalog_.reports, Reports{"created d"});
}

TEST_F(FullDav, MkcolSetsTimesOnRequest) {
  const Answer answer = send("MKCOL", "d", {{"X-OC-Mtime", "1700000000.5"}});
  EXPECT_EQ(answer.header("X-OC-Mtime"), "accepted");
  EXPECT_EQ(answer.header("X-Sync-Seq"), "1");
  struct stat status{};
  ASSERT_EQ(::stat(on_disk("d").c_str(), &status), 0);
  EXPECT_EQ(status.st_mtim.tv_sec, 1700000000);
}

TEST_P(AnyDav, DeleteRemovesFilesAndTrees) {
  write_file("f", "x");
  write_file("d/e/g", "x");
  std::filesystem::create_symlink("/etc/hostname", on_disk("d/link"));
  EXPECT_EQ(send("DELETE", "f").status, 204);
  EXPECT_EQ(send("DELETE", "d/").status, 204);
  EXPECT_EQ(send("DELETE", "d").status, 404);
  EXPECT_TRUE(names_in("").empty()) << "nothing stays, hidden or not";
  EXPECT_TRUE(std::filesystem::exists("/etc/hostname"));
  EXPECT_EQ(catalog_.reports, (Reports{"removed f", "removed d"}));
  EXPECT_GE(send("DELETE", "").status, 400) << "the share stays";
}

TEST_F(FullDav, DeleteHonoursConditions) {
  write_file("f", "x");
  EXPECT_EQ(send("DELETE", "f", {{"If-Match", "\"gone\""}}).status, 412);
  EXPECT_TRUE(exists("f"));
  const Answer answer = send("DELETE", "f", {{"If-Match", etag_of("f")}});
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.header("X-Sync-Seq"), "1");
}

TEST_F(FullDav, DeleteIfEmptyKeepsWhatIsFull) {
  write_file("d/f", "x");
  std::filesystem::create_directory(on_disk("e"));
  EXPECT_EQ(send("DELETE", "d", {{"X-Delete-If-Empty", "1"}}).status, 409);
  EXPECT_TRUE(exists("d/f"));
  EXPECT_EQ(send("DELETE", "e", {{"X-Delete-If-Empty", "1"}}).status, 204);
  EXPECT_EQ(catalog_.reports, Reports{"removed e"});
}

TEST_F(StockDav, DeleteIgnoresConditions) {
  write_file("f", "x");
  write_file("d/g", "x");
  EXPECT_EQ(send("DELETE", "f", {{"If-Match", "\"gone\""}}).status, 204);
  EXPECT_EQ(send("DELETE", "d", {{"X-Delete-If-Empty", "1"}}).status, 204);
  EXPECT_TRUE(names_in("").empty());
}

// A mount point cannot be removed, not even by root.
class StubbornTree : public AnyDav {
 protected:
  void SetUp() override {
    write_file("d/f", "x");
    std::filesystem::create_directory(on_disk("d/mounted"));
    if (!mount_tiny_disk(on_disk("d/mounted"))) GTEST_SKIP() << "mounting is not allowed here";
  }
  void TearDown() override {
    for (const auto& name : names_in("")) ::umount2(on_disk(name + "/mounted").c_str(), MNT_DETACH);
  }
};

TEST_P(StubbornTree, FailsHalfWayInStockAndDisappearsWholeInFull) {
  const Answer answer = send("DELETE", "d");
  if (profile_ == Profile::stock) {
    EXPECT_EQ(answer.status, 405);
    EXPECT_TRUE(exists("d/mounted"));
    EXPECT_TRUE(catalog_.reports.empty());
  } else {
    EXPECT_EQ(answer.status, 204);
    EXPECT_FALSE(exists("d"));
    EXPECT_EQ(catalog_.reports, Reports{"removed d"});
  }
}

INSTANTIATE_TEST_SUITE_P(Profiles, StubbornTree, ::testing::Values(Profile::full, Profile::stock));

TEST_P(AnyDav, MoveRenames) {
  write_file("a", "x");
  write_file("d/e/f", "x");
  const std::string tag = etag_of("a");
  EXPECT_EQ(send("MOVE", "a", to("b%20c", "F")).status, 201);
  EXPECT_EQ(etag_of("b%20c"), tag) << "a move keeps the version";
  EXPECT_EQ(send("MOVE", "d", to("g/", "F")).status, 201);
  EXPECT_EQ(read_file("g/e/f"), "x");
  EXPECT_EQ(names_in(""), (Names{"b c", "g"}));
  EXPECT_EQ(catalog_.reports, (Reports{"renamed a b c", "renamed d g"}));
}

TEST_P(AnyDav, OverwriteFKeepsTheTarget) {
  write_file("a", "new");
  write_file("b", "old");
  EXPECT_EQ(send("MOVE", "a", to("b", "F")).status, 412);
  EXPECT_EQ(send("COPY", "a", to("b", "F")).status, 412);
  EXPECT_EQ(read_file("b"), "old");
  EXPECT_EQ(read_file("a"), "new");
}

TEST_P(AnyDav, OverwriteTReplacesTheTarget) {
  write_file("a", "new");
  write_file("b", "old");
  EXPECT_EQ(send("MOVE", "a", to("b", "T")).status, 204);
  EXPECT_EQ(read_file("b"), "new");
  EXPECT_EQ(names_in(""), Names{"b"});

  write_file("c", "newer");
  write_file("d/full", "x");
  EXPECT_EQ(send("MOVE", "c", to("d", "T")).status, 204) << "a file over a directory";
  EXPECT_EQ(read_file("d"), "newer");
  write_file("e/f", "x");
  EXPECT_EQ(send("MOVE", "e", to("d", "T")).status, 204) << "a directory over a file";
  EXPECT_EQ(read_file("d/f"), "x");
  write_file("g/h", "x");
  EXPECT_EQ(send("MOVE", "g", to("d", "T")).status, 204) << "a directory over a full one";
  EXPECT_EQ(names_in("d"), Names{"h"});
  EXPECT_EQ(names_in(""), (Names{"b", "d"}));
}

TEST_F(FullDav, MoveWithoutOverwriteMeansT) {
  write_file("a", "new");
  write_file("b", "old");
  EXPECT_EQ(send("MOVE", "a", to("b")).status, 204);
  EXPECT_EQ(read_file("b"), "new");
}

TEST_F(StockDav, MoveWithoutOverwriteMeansF) {
  write_file("a", "new");
  write_file("b", "old");
  EXPECT_EQ(send("MOVE", "a", to("b")).status, 412);
  EXPECT_EQ(read_file("b"), "old");
}

TEST_F(StockDav, MoveTOfAMissingSourceDeletesTheTarget) {
  write_file("b", "precious");
  EXPECT_EQ(send("MOVE", "a", to("b", "T")).status, 403);
  EXPECT_FALSE(exists("b"));
}

TEST_F(FullDav, MoveOfAMissingSourceTouchesNothing) {
  write_file("b", "precious");
  EXPECT_EQ(send("MOVE", "a", to("b", "T")).status, 404);
  EXPECT_EQ(read_file("b"), "precious");
  EXPECT_TRUE(catalog_.reports.empty());
}

TEST_F(FullDav, ConditionsOfAMoveAreAboutTheDestination) {
  write_file("a", "new");
  write_file("b", "old");
  const std::string source = etag_of("a");
  const std::string target = etag_of("b");
  EXPECT_EQ(send("MOVE", "a", with(to("b", "T"), "If-Match", source)).status, 412);
  EXPECT_EQ(send("MOVE", "a", with(to("b", "T"), "If-None-Match", "*")).status, 412);
  EXPECT_EQ(send("MOVE", "a", with(to("c", "T"), "If-Match", target)).status, 412);
  EXPECT_EQ(read_file("b"), "old");
  const Answer answer = send("MOVE", "a", with(to("b", "T"), "If-Match", target));
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.header("ETag"), source);
  EXPECT_EQ(answer.header("X-Sync-Seq"), "1");
}

TEST_P(AnyDav, DestinationsThatMakeNoSense) {
  write_file("a", "x");
  write_file("d/f", "x");
  EXPECT_EQ(send("MOVE", "a").status, 400) << "none";
  EXPECT_EQ(send("MOVE", "a", {{"Destination", "b"}}).status, 400);
  EXPECT_EQ(send("MOVE", "a", {{"Destination", "/dav/sh%201/../x"}}).status, 400);
  EXPECT_EQ(send("MOVE", "a", {{"Destination", "/dav/sh%201/b?c"}}).status, 400);
  EXPECT_EQ(send("MOVE", "a", {{"Destination", "http://elsewhere/dav/sh%201/b"}}).status, 502);
  EXPECT_EQ(send("MOVE", "a", {{"Destination", "/dav/other/b"}}).status, 502);
  EXPECT_EQ(send("MOVE", "a", {{"Destination", "/elsewhere"}}).status, 502);
  EXPECT_EQ(send("MOVE", "a", to("a", "T")).status, 403) << "onto itself";
  EXPECT_EQ(send("MOVE", "d", to("d/inside", "T")).status, 403) << "into itself";
  EXPECT_EQ(send("COPY", "d", to("d/inside", "T")).status, 403) << "into itself";
  EXPECT_EQ(send("MOVE", "d/f", to("d", "T")).status, 403) << "over its own parent";
  EXPECT_EQ(send("MOVE", "d", with(to("e", "T"), "Depth", "0")).status, 400) << "a move is always whole";
  EXPECT_EQ(names_in(""), (Names{"a", "d"}));
  EXPECT_EQ(names_in("d"), Names{"f"});
  EXPECT_EQ(send("MOVE", "a", {{"Destination", "/dav/sh%201/b"}}).status, 201) << "a path will do";
}

TEST_F(FullDav, MissingParentsAreAConflict) {
  write_file("a", "x");
  EXPECT_EQ(send("MOVE", "a", to("missing/b")).status, 409);
  EXPECT_EQ(send("COPY", "a", to("missing/b")).status, 409);
  EXPECT_EQ(send("MOVE", "a", to("a2/")).status, 201) << "a trailing slash does no harm";
}

TEST_F(StockDav, MissingParentsOfAMoveAreForbidden) {
  write_file("a", "x");
  EXPECT_EQ(send("MOVE", "a", to("missing/b", "F")).status, 403);
  EXPECT_EQ(send("COPY", "a", to("missing/b", "F")).status, 409);
}

TEST_P(AnyDav, CopyMakesAnIndependentFile) {
  write_file("a", std::string(300'000, 'x'));
  EXPECT_EQ(send("COPY", "a", to("b")).status, 201);
  EXPECT_EQ(read_file("b"), read_file("a"));
  if (profile_ == Profile::full) {
    EXPECT_NE(etag_of("a"), etag_of("b")) << "stock: equal in the same tick of the clock";
  }
  ASSERT_EQ(send("PUT", "a", {}, "changed").status / 100, 2);
  EXPECT_EQ(read_file("b").size(), 300'000U);
  EXPECT_EQ(send("COPY", "a", to("b")).status, 204) << "T by default in both profiles";
  EXPECT_EQ(read_file("b"), "changed");
  EXPECT_EQ(send("COPY", "missing", to("b")).status, 404);
  EXPECT_EQ(read_file("b"), "changed");
}

TEST_P(AnyDav, CopyOfATree) {
  write_file("d/e/f", "1");
  write_file("d/g", "2");
  EXPECT_EQ(send("COPY", "d", to("copy/")).status, 201);
  EXPECT_EQ(read_file("copy/e/f"), "1");
  EXPECT_EQ(read_file("copy/g"), "2");
  EXPECT_EQ(read_file("d/g"), "2");
  EXPECT_EQ(send("COPY", "d", with(to("flat"), "Depth", "0")).status, 201);
  EXPECT_TRUE(names_in("flat").empty());
  EXPECT_EQ(send("COPY", "d", with(to("x"), "Depth", "1")).status, 400);
  write_file("old/stays?", "no");
  EXPECT_EQ(send("COPY", "d", to("old")).status, 204);
  EXPECT_EQ(names_in("old"), (Names{"e", "g"})) << "replaced, not merged";
  EXPECT_EQ(names_in(""), (Names{"copy", "d", "flat", "old"}));
}

TEST_F(FullDav, ACopiedTreeIsReportedEntryByEntry) {
  write_file("d/e/f", "1");
  const Answer answer = send("COPY", "d", to("copy"));
  EXPECT_EQ(catalog_.reports, (Reports{"created copy", "created copy/e", "created copy/e/f"}));
  EXPECT_EQ(answer.header("X-Sync-Seq"), "3") << "the last of them";
  catalog_.reports.clear();
  send("COPY", "d/e", to("copy"));
  EXPECT_EQ(catalog_.reports, (Reports{"removed copy", "created copy", "created copy/f"}));
}

TEST_F(FullDav, ACopyOverAFileIsANewVersionOfIt) {
  write_file("a", "1");
  write_file("b", "2");
  send("COPY", "a", to("b"));
  EXPECT_EQ(catalog_.reports, Reports{"modified b"});
}

TEST_F(FullDav, SymlinksInTheWayAreNotReplaced) {
  write_file("a", "x");
  std::filesystem::create_symlink("a", on_disk("link"));
  EXPECT_EQ(send("MOVE", "a", to("link")).status, 403);
  EXPECT_EQ(send("COPY", "a", to("link")).status, 403);
  EXPECT_EQ(send("LOCK", "link", {},
                 "<lockinfo "
                 "xmlns='DAV:'><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>")
                .status,
            403);
  EXPECT_TRUE(std::filesystem::is_symlink(on_disk("link")));
}

}  // namespace
}  // namespace refserver::dav

// PROPFIND: what rows say, how names are told, and the hazards of listings.
#include <fcntl.h>
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>

#include "dav_fixture.hpp"
#include "multistatus_reader.hpp"

namespace refserver::dav {
namespace {

constexpr std::string_view named =
    "<propfind xmlns='DAV:' xmlns:n='https://nithron.com/ns/dav'><prop><resourcetype/><getcontentlength/>"
    "<getlastmodified/><getetag/><n:mtime/><nosuch xmlns='urn:x'/></prop></propfind>";

std::set<std::string> hrefs(const std::map<std::string, Row>& rows) {
  std::set<std::string> names;
  for (const auto& [href, row] : rows) names.insert(href);
  return names;
}

TEST_P(AnyDav, NamedPropertiesOfAFile) {
  write_file("f", "12345");
  const Answer answer = send("PROPFIND", "f", {{"Depth", "0"}}, named);
  EXPECT_EQ(answer.status, 207);
  const auto rows = read_multistatus(answer.body);
  ASSERT_EQ(hrefs(rows), (std::set<std::string>{"/dav/sh%201/f"}));
  const Row& row = rows.begin()->second;
  EXPECT_EQ(row.dav("getcontentlength"), "5");
  EXPECT_FALSE(row.is_collection());
  EXPECT_EQ(row.others.at({"urn:x", "nosuch"}), 404);
  const Answer head = send("HEAD", "f");
  EXPECT_EQ(row.dav("getetag"), xml_escape(head.header("ETag")));
  EXPECT_EQ(row.dav("getlastmodified"), head.header("Last-Modified"));
}

TEST_P(AnyDav, DepthSaysHowFarToGo) {
  write_file("d/a", "");
  write_file("d/e/b", "");
  const std::set<std::string> zero{"/dav/sh%201/d/"};
  const std::set<std::string> one{"/dav/sh%201/d/", "/dav/sh%201/d/a", "/dav/sh%201/d/e/"};
  std::set<std::string> all = one;
  all.insert("/dav/sh%201/d/e/b");
  EXPECT_EQ(hrefs(read_multistatus(send("PROPFIND", "d", {{"Depth", "0"}}).body)), zero);
  EXPECT_EQ(hrefs(read_multistatus(send("PROPFIND", "d", {{"Depth", "1"}}).body)), one);
  EXPECT_EQ(hrefs(read_multistatus(send("PROPFIND", "d", {{"Depth", "infinity"}}).body)), all);
  EXPECT_EQ(hrefs(read_multistatus(send("PROPFIND", "d").body)), all) << "infinity by default";
  EXPECT_EQ(send("PROPFIND", "d", {{"Depth", "2"}}).status, 400);
}

TEST_P(AnyDav, TheRootOfAShareIsListed) {
  write_file("f", "");
  EXPECT_EQ(hrefs(read_multistatus(send("PROPFIND", "", {{"Depth", "1"}}).body)),
            (std::set<std::string>{"/dav/sh%201/", "/dav/sh%201/f"}));
}

TEST_P(AnyDav, AllPropAndPropName) {
  write_file("f.png", "x");
  const auto all = read_multistatus(send("PROPFIND", "f.png", {{"Depth", "0"}}).body);
  const Row& row = all.begin()->second;
  EXPECT_EQ(row.dav("getcontenttype"), "image/png");
  EXPECT_EQ(row.dav("displayname"), "f.png");
  EXPECT_NE(row.dav("supportedlock").find("exclusive"), std::string::npos);
  EXPECT_EQ(row.dav("quota-used-bytes"), "(none)") << "only on request";
  EXPECT_TRUE(row.others.empty());

  const auto names = read_multistatus(
      send("PROPFIND", "f.png", {{"Depth", "0"}}, "<propfind xmlns='DAV:'><propname/></propfind>").body);
  EXPECT_EQ(names.begin()->second.dav("getetag"), "");
}

TEST_P(AnyDav, QuotaIsToldForCollections) {
  write_file("f", "x");
  const std::string_view query =
      "<propfind xmlns='DAV:'><prop><quota-available-bytes/><quota-used-bytes/></prop></propfind>";
  const auto rows = read_multistatus(send("PROPFIND", "", {{"Depth", "1"}}, query).body);
  EXPECT_GT(std::stoull(rows.at("/dav/sh%201/").dav("quota-available-bytes")), 0U);
  EXPECT_GT(std::stoull(rows.at("/dav/sh%201/").dav("quota-used-bytes")), 0U);
  EXPECT_EQ(rows.at("/dav/sh%201/f").others.size(), 2U);
}

TEST_P(AnyDav, OddNamesGiveWellFormedAnswers) {
  const std::vector<std::string> names{"a&b<c>\"d\"", "100% +", "new\nline", "bell\x07",
                                       "caf\xC3\xA9", "]]>",    "#?;:@"};
  for (const auto& name : names) write_file(name, "x");
  const auto rows = read_multistatus(send("PROPFIND", "", {{"Depth", "1"}}).body);
  for (const auto& name : names) {
    EXPECT_TRUE(rows.contains("/dav/sh%201/" + percent_encode_path(name))) << name;
    EXPECT_EQ(send("GET", percent_encode_path(name)).body, "x") << name;
  }
  EXPECT_EQ(rows.at("/dav/sh%201/bell%07").dav("displayname"), "(none)") << "XML cannot hold this name";
}

TEST_P(AnyDav, NamesThatAreNotUtf8AreLeftOut) {
  write_file("good", "");
  write_file("bad\xFF", "");
  EXPECT_EQ(hrefs(read_multistatus(send("PROPFIND", "", {{"Depth", "1"}}).body)),
            (std::set<std::string>{"/dav/sh%201/", "/dav/sh%201/good"}));
}

TEST_P(AnyDav, HostileBodiesAreRefused) {
  EXPECT_EQ(send("PROPFIND", "", {}, "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>").status, 400);
  EXPECT_EQ(send("PROPFIND", "", {}, "<propfind").status, 400);
  EXPECT_EQ(send("PROPFIND", "", {}, std::string(300 * 1024, ' ')).status, 413);
}

TEST_P(AnyDav, LargeTreesAreStreamedInBoundedPieces) {
  constexpr int directories = 12;
  constexpr int files = 60;
  for (int d = 0; d < directories; ++d) {
    for (int f = 0; f < files; ++f) write_file(fmt::format("d{}/f{}", d, f), "");
  }
  const Answer answer = send("PROPFIND", "", {{"Depth", "infinity"}}, named);
  EXPECT_EQ(read_multistatus(answer.body).size(), 1U + directories + directories * files);
  EXPECT_GT(answer.body.size(), 200'000U);
  EXPECT_LT(answer.largest_chunk, 80'000U) << "never the whole listing at once";
}

TEST_F(FullDav, NanosecondsAreInOurOwnProperty) {
  write_file("f", "x");
  const struct timespec times[2] = {{0, UTIME_OMIT}, {1700000000, 123456789}};
  ASSERT_EQ(::utimensat(AT_FDCWD, on_disk("f").c_str(), times, 0), 0);
  const auto rows = read_multistatus(send("PROPFIND", "f", {{"Depth", "0"}}, named).body);
  EXPECT_EQ(rows.begin()->second.found.at({"https://nithron.com/ns/dav", "mtime"}), "1700000000.123456789");
}

TEST_F(StockDav, ThereIsNoPropertyOfOurs) {
  write_file("f", "x");
  const auto rows = read_multistatus(send("PROPFIND", "f", {{"Depth", "0"}}, named).body);
  EXPECT_EQ(rows.begin()->second.others.at({"https://nithron.com/ns/dav", "mtime"}), 404);
}

TEST_F(StockDav, EtagsAreHexOfTimeAndSize) {
  write_file("f", "12345");
  const struct timespec times[2] = {{0, UTIME_OMIT}, {1, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, on_disk("f").c_str(), times, 0), 0);
  EXPECT_EQ(etag_of("f"), "\"3b9aca005\"");
}

TEST_F(FullDav, SymlinksAreLeftOut) {
  write_file("real", "x");
  std::filesystem::create_symlink("real", on_disk("link"));
  std::filesystem::create_directory_symlink(".", on_disk("loop"));
  EXPECT_EQ(hrefs(read_multistatus(send("PROPFIND", "", {{"Depth", "infinity"}}).body)),
            (std::set<std::string>{"/dav/sh%201/", "/dav/sh%201/real"}));
}

TEST_F(StockDav, SymlinksAreFollowedInsideTheShareOnly) {
  write_file("d/f", "x");
  std::filesystem::create_directory_symlink("d", on_disk("link"));
  std::filesystem::create_directory_symlink("/etc", on_disk("out"));
  EXPECT_EQ(hrefs(read_multistatus(send("PROPFIND", "", {{"Depth", "infinity"}}).body)),
            (std::set<std::string>{"/dav/sh%201/", "/dav/sh%201/d/", "/dav/sh%201/d/f", "/dav/sh%201/link/",
                                   "/dav/sh%201/link/f"}));
}

TEST_F(StockDav, SymlinkLoopsMakeDepthInfinityEndless) {
  std::filesystem::create_directory_symlink(".", on_disk("a"));
  std::filesystem::create_directory_symlink(".", on_disk("b"));
  const auto exchange = make_dav_exchange(request("PROPFIND", "", {{"Depth", "infinity"}}), context());
  Response response = exchange->finish();
  auto& stream = std::get<StreamBody>(response.body);
  std::size_t bytes = 0;
  while (bytes < 20'000'000) {  // two loops, doubled at each of 40 levels: no reader gets to the end
    std::string chunk;
    ASSERT_EQ(stream.next(chunk), StreamBody::Step::more);
    bytes += chunk.size();
  }
}

TEST_F(StockDav, TheOrderIsRandom) {
  for (int i = 0; i < 64; ++i) write_file(fmt::format("f{}", i), "");
  const std::string first = send("PROPFIND", "", {{"Depth", "1"}}, named).body;
  const std::string second = send("PROPFIND", "", {{"Depth", "1"}}, named).body;
  EXPECT_NE(first, second);  // equal once in 64! runs
  EXPECT_EQ(hrefs(read_multistatus(first)), hrefs(read_multistatus(second)));
}

TEST_F(StockDav, AnUnreadableFileAtDepthZeroIsAnEmpty200) {
  write_file("secret", "x");
  ASSERT_EQ(::chmod(on_disk("secret").c_str(), 0), 0);
  const Answer answer = send("PROPFIND", "secret", {{"Depth", "0"}}, named);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "");
}

TEST_F(StockDav, UnreadableThingsAreMissingFromListings) {
  write_file("secret", "x");
  write_file("closed/inside", "x");
  ASSERT_EQ(::chmod(on_disk("secret").c_str(), 0), 0);
  ASSERT_EQ(::chmod(on_disk("closed").c_str(), 0), 0);
  EXPECT_EQ(hrefs(read_multistatus(send("PROPFIND", "", {{"Depth", "infinity"}}, named).body)),
            (std::set<std::string>{"/dav/sh%201/", "/dav/sh%201/closed/"}))
      << "an unreadable directory looks like an empty one";
}

TEST_P(AnyDav, ThingsThatDisappearDuringAListingDoNotBreakIt) {
  for (int i = 0; i < 200; ++i) write_file(fmt::format("d{}/f", i), "");
  const auto exchange = make_dav_exchange(request("PROPFIND", "", {{"Depth", "infinity"}}), context());
  Response response = exchange->finish();
  auto& stream = std::get<StreamBody>(response.body);
  std::string body;
  ASSERT_EQ(stream.next(body), StreamBody::Step::more);
  for (int i = 0; i < 200; ++i) std::filesystem::remove_all(on_disk(fmt::format("d{}", i)));
  for (auto step = StreamBody::Step::more; step == StreamBody::Step::more;) {
    std::string chunk;
    step = stream.next(chunk);
    ASSERT_NE(step, StreamBody::Step::broken);
    body += chunk;
  }
  EXPECT_GE(read_multistatus(body).size(), 1U);
}

}  // namespace
}  // namespace refserver::dav

// Multi-Status documents, good and bad, in pieces of every size.
#include "remote/propfind_parser.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace nithronfs::remote {
namespace {

struct Parsed {
  Result<void> outcome;
  std::vector<DavRow> rows;
};

Parsed parse(std::string_view text, std::size_t piece = std::string_view::npos) {
  Parsed parsed;
  PropfindParser parser([&parsed](DavRow row) {
    parsed.rows.push_back(std::move(row));
    return true;
  });
  while (!text.empty() && parsed.outcome) {
    parsed.outcome = parser.feed(std::as_bytes(std::span(text.substr(0, piece))));
    text.remove_prefix(std::min(piece, text.size()));
  }
  if (parsed.outcome) parsed.outcome = parser.finish();
  return parsed;
}

constexpr std::string_view kTwoRows = R"(<?xml version="1.0" encoding="UTF-8"?>
<D:multistatus xmlns:D="DAV:" xmlns:x="https://nithron.com/ns/dav">
  <D:response>
    <D:href> /dav/s/ </D:href>
    <D:propstat>
      <D:prop><D:resourcetype><D:collection/></D:resourcetype><D:getetag></D:getetag></D:prop>
      <D:status>HTTP/1.1 200 OK</D:status>
    </D:propstat>
    <D:propstat>
      <D:prop><D:getcontentlength>666</D:getcontentlength></D:prop>
      <D:status>HTTP/1.1 404 Not Found</D:status>
    </D:propstat>
  </D:response>
  <D:response>
    <D:href>/dav/s/a&amp;b</D:href>
    <D:propstat>
      <D:prop>
        <D:displayname>other</D:displayname>
        <D:resourcetype/>
        <D:getcontentlength>12</D:getcontentlength>
        <D:getlastmodified>Sun, 06 Nov 1994 08:49:37 GMT</D:getlastmodified>
        <D:getetag>"a&lt;b"</D:getetag>
        <x:mtime>784111777.5</x:mtime>
        <x:getetag>not this one</x:getetag>
      </D:prop>
      <D:status>HTTP/1.1 200 OK</D:status>
    </D:propstat>
  </D:response>
</D:multistatus>)";

void expect_two_rows(const Parsed& parsed) {
  ASSERT_TRUE(parsed.outcome) << parsed.outcome.error().message;
  ASSERT_EQ(parsed.rows.size(), 2U);
  EXPECT_EQ(parsed.rows[0].href, "/dav/s/");
  EXPECT_TRUE(parsed.rows[0].properties.is_collection);
  EXPECT_EQ(parsed.rows[0].properties.content_length, std::nullopt);  // of a propstat that is not 200
  EXPECT_EQ(parsed.rows[1].href, "/dav/s/a&b");
  EXPECT_TRUE(parsed.rows[1].properties.has_resource_type);
  EXPECT_FALSE(parsed.rows[1].properties.is_collection);
  EXPECT_EQ(parsed.rows[1].properties.content_length, "12");
  EXPECT_EQ(parsed.rows[1].properties.etag, "\"a<b\"");
  EXPECT_EQ(parsed.rows[1].properties.precise_mtime, "784111777.5");
}

TEST(PropfindParserTest, ReadsRows) {
  expect_two_rows(parse(kTwoRows));
}

TEST(PropfindParserTest, DoesNotCareHowTheBytesArrive) {
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 100U}) expect_two_rows(parse(kTwoRows, piece));
}

TEST(PropfindParserTest, NoCutIsTakenForTheEnd) {
  for (std::size_t size = 0; size < kTwoRows.size(); ++size) {
    const Parsed parsed = parse(kTwoRows.substr(0, size));
    ASSERT_FALSE(parsed.outcome) << size;
    EXPECT_EQ(parsed.outcome.error().code, Errc::protocol);
  }
}

TEST(PropfindParserTest, PrefixesAndOrderDoNotMatter) {
  const Parsed parsed =
      parse(R"(<multistatus xmlns="DAV:"><response><propstat><status>HTTP/1.1 200 OK</status><prop>)"
            R"(<getcontentlength>5</getcontentlength></prop></propstat><href>/a</href></response>)"
            R"(</multistatus>)");
  ASSERT_TRUE(parsed.outcome);
  ASSERT_EQ(parsed.rows.size(), 1U);
  EXPECT_EQ(parsed.rows[0].href, "/a");
  EXPECT_EQ(parsed.rows[0].properties.content_length, "5");
}

TEST(PropfindParserTest, ReadsTheStatusOfAResponse) {
  const Parsed parsed = parse(R"(<a:multistatus xmlns:a="DAV:"><a:response><a:href>/x</a:href>)"
                              R"(<a:status>HTTP/1.1 403 Forbidden</a:status></a:response></a:multistatus>)");
  ASSERT_TRUE(parsed.outcome);
  EXPECT_EQ(parsed.rows.at(0).status, 403);
}

TEST(PropfindParserTest, RefusesWhatIsNoListing) {
  for (const std::string text : {"<!DOCTYPE html><html><body>Log in</body></html>", "<html></html>", "{}", "",
                                 "<multistatus></multistatus>", "<a:b xmlns:a='DAV:'/>",
                                 "<D:multistatus xmlns:D='DAV:'></D:multistatus>x", "\xff\xfe garbage"}) {
    const Parsed parsed = parse(text);
    ASSERT_FALSE(parsed.outcome) << text;
    EXPECT_EQ(parsed.outcome.error().code, Errc::protocol) << text;
  }
}

TEST(PropfindParserTest, RefusesEntities) {
  const Parsed laughs = parse(R"(<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>)"
                              R"(<D:multistatus xmlns:D="DAV:"><D:response><D:href>&b;</D:href></D:response>)"
                              R"(</D:multistatus>)");
  ASSERT_FALSE(laughs.outcome);
  EXPECT_NE(laughs.outcome.error().message.find("document type"), std::string::npos);
  EXPECT_TRUE(laughs.rows.empty());
  EXPECT_FALSE(parse("<D:multistatus xmlns:D='DAV:'>&unknown;</D:multistatus>").outcome);
}

TEST(PropfindParserTest, BoundsTheDepth) {
  std::string text = "<D:multistatus xmlns:D='DAV:'>";
  for (int i = 0; i < 100'000; ++i) text += "<D:x>";
  const Parsed parsed = parse(text, 1000);
  ASSERT_FALSE(parsed.outcome);
  EXPECT_NE(parsed.outcome.error().message.find("deep"), std::string::npos);
}

TEST(PropfindParserTest, BoundsHrefsAndValues) {
  const std::string long_text(10 << 20, 'x');
  const Parsed parsed = parse("<D:multistatus xmlns:D='DAV:'><D:response><D:href>/" + long_text +
                                  "</D:href></D:response><D:response><D:href>/b</D:href><D:propstat><D:prop>"
                                  "<D:getetag>" +
                                  long_text +
                                  "</D:getetag></D:prop><D:status>HTTP/1.1 200 OK"
                                  "</D:status></D:propstat></D:response></D:multistatus>",
                              65536);
  ASSERT_TRUE(parsed.outcome) << parsed.outcome.error().message;
  ASSERT_EQ(parsed.rows.size(), 2U);
  EXPECT_TRUE(parsed.rows[0].href_too_long);
  EXPECT_EQ(parsed.rows[0].href.size(), PropfindParser::kMaxHref);
  EXPECT_TRUE(parsed.rows[1].text_too_long);
  EXPECT_EQ(parsed.rows[1].properties.etag->size(), PropfindParser::kMaxText);
}

TEST(PropfindParserTest, BoundsOneTag) {
  const Parsed parsed = parse(
      "<D:multistatus xmlns:D='DAV:' attribute='" + std::string(10 << 20, 'x') + "'></D:multistatus>", 65536);
  ASSERT_FALSE(parsed.outcome);
  EXPECT_NE(parsed.outcome.error().message.find("long tag"), std::string::npos);
}

TEST(PropfindParserTest, StopsWhenToldTo) {
  int rows = 0;
  PropfindParser parser([&rows](const DavRow&) { return ++rows < 1; });
  EXPECT_TRUE(parser.feed(std::as_bytes(std::span(kTwoRows))));
  EXPECT_TRUE(parser.feed(std::as_bytes(std::span(kTwoRows))));
  EXPECT_EQ(rows, 1);
}

}  // namespace
}  // namespace nithronfs::remote

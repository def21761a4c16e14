// Conditional requests, ranges, dates, and the If header.
#include "../../src/dav/conditions.hpp"

#include <gtest/gtest.h>

#include "../../src/dav/call.hpp"
#include "../../src/dav/if_header.hpp"

namespace refserver::dav {
namespace {

const Validators current{.exists = true, .etag = "\"v1\"", .modified = 784111777};  // 06 Nov 1994 08:49:37
const Validators nothing{};

Verdict read(const ConditionHeaders& headers, const Validators& validators = current) {
  return evaluate(headers, validators, true);
}

Verdict write(const ConditionHeaders& headers, const Validators& validators = current) {
  return evaluate(headers, validators, false);
}

TEST(Conditions, IfMatchNamesTheVersion) {
  EXPECT_EQ(write({.if_match = "\"v1\""}), Verdict::proceed);
  EXPECT_EQ(write({.if_match = "\"v0\", \"v1\""}), Verdict::proceed);
  EXPECT_EQ(write({.if_match = "\"v0\""}), Verdict::precondition_failed);
  EXPECT_EQ(write({.if_match = "*"}), Verdict::proceed);
  EXPECT_EQ(write({.if_match = "*"}, nothing), Verdict::precondition_failed);
  EXPECT_EQ(write({.if_match = "W/\"v1\""}), Verdict::precondition_failed) << "strong comparison";
}

TEST(Conditions, EntityTagsMayHoldCommas) {
  const Validators odd{.exists = true, .etag = "\"a,b\"", .modified = 0};
  EXPECT_EQ(write({.if_match = "\"x\" , \"a,b\""}, odd), Verdict::proceed);
  EXPECT_EQ(write({.if_match = "\"a\", \"b\""}, odd), Verdict::precondition_failed);
}

TEST(Conditions, IfNoneMatchStarCreatesOnly) {
  EXPECT_EQ(write({.if_none_match = "*"}), Verdict::precondition_failed);
  EXPECT_EQ(write({.if_none_match = "*"}, nothing), Verdict::proceed);
}

TEST(Conditions, IfNoneMatchOfAReadIsNotModified) {
  EXPECT_EQ(read({.if_none_match = "\"v1\""}), Verdict::not_modified);
  EXPECT_EQ(read({.if_none_match = "W/\"v1\""}), Verdict::not_modified) << "weak comparison";
  EXPECT_EQ(read({.if_none_match = "\"v0\""}), Verdict::proceed);
}

TEST(Conditions, DatesCountOnlyWithoutTags) {
  EXPECT_EQ(read({.if_modified_since = "Sun, 06 Nov 1994 08:49:37 GMT"}), Verdict::not_modified);
  EXPECT_EQ(read({.if_modified_since = "Sun, 06 Nov 1994 08:49:36 GMT"}), Verdict::proceed);
  EXPECT_EQ(read({.if_none_match = "\"v0\"", .if_modified_since = "Sun, 06 Nov 1994 08:49:37 GMT"}),
            Verdict::proceed);
  EXPECT_EQ(write({.if_unmodified_since = "Sun, 06 Nov 1994 08:49:36 GMT"}), Verdict::precondition_failed);
  EXPECT_EQ(write({.if_unmodified_since = "Sun, 06 Nov 1994 08:49:37 GMT"}), Verdict::proceed);
  EXPECT_EQ(read({.if_modified_since = "yesterday"}), Verdict::proceed) << "no date: ignored";
}

TEST(Conditions, IfRangeNeedsExactlyThisVersion) {
  EXPECT_TRUE(range_applies(std::nullopt, current));
  EXPECT_TRUE(range_applies("\"v1\"", current));
  EXPECT_FALSE(range_applies("\"v0\"", current));
  EXPECT_FALSE(range_applies("W/\"v1\"", current));
  EXPECT_TRUE(range_applies("Sun, 06 Nov 1994 08:49:37 GMT", current));
  EXPECT_FALSE(range_applies("Sun, 06 Nov 1994 08:49:38 GMT", current));
}

TEST(HttpDate, ReadsAllThreeForms) {
  for (const char* text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(parse_http_date(text), 784111777) << text;
  }
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT and more"), std::nullopt);
  EXPECT_EQ(iso_date(784111777), "1994-11-06T08:49:37Z");
}

struct RangeCase {
  const char* header;
  std::uint64_t size;
  const char* expected;  // "offset+length", "whole" or "416"
};

std::string describe(const RangeChoice& choice) {
  if (std::holds_alternative<WholeBody>(choice)) return "whole";
  if (std::holds_alternative<RangeNotSatisfiable>(choice)) return "416";
  const auto& slice = std::get<ByteSlice>(choice);
  return std::to_string(slice.offset) + "+" + std::to_string(slice.length);
}

TEST(Range, FollowsRfc9110) {
  for (const auto& [header, size, expected] : {
           RangeCase{"bytes=0-0", 10, "0+1"},
           RangeCase{"bytes=2-5", 10, "2+4"},
           RangeCase{"bytes=2-", 10, "2+8"},
           RangeCase{"bytes=5-99", 10, "5+5"},
           RangeCase{"bytes=0-18446744073709551615", 10, "0+10"},
           RangeCase{"bytes=-3", 10, "7+3"},
           RangeCase{"bytes=-30", 10, "0+10"},
           RangeCase{"bytes=-0", 10, "416"},
           RangeCase{"bytes=10-", 10, "416"},
           RangeCase{"bytes=0-", 0, "416"},
           RangeCase{"bytes=-1", 0, "416"},
           RangeCase{"bytes=5-2", 10, "whole"},
           RangeCase{"bytes=0-1,4-5", 10, "whole"},
           RangeCase{"bytes=a-b", 10, "whole"},
           RangeCase{"bytes=99999999999999999999-", 10, "whole"},
           RangeCase{"bytes=-", 10, "whole"},
           RangeCase{"lines=1-2", 10, "whole"},
           RangeCase{"nonsense", 10, "whole"},
       }) {
    EXPECT_EQ(describe(choose_range(header, size)), expected) << header << " of " << size;
  }
}

TEST(UnixTime, TakesSecondsWithAFraction) {
  const auto plain = parse_unix_time("1700000000");
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->tv_sec, 1700000000);
  EXPECT_EQ(plain->tv_nsec, 0);
  EXPECT_EQ(parse_unix_time("1.5")->tv_nsec, 500000000);
  EXPECT_EQ(parse_unix_time("1.000000001")->tv_nsec, 1);
  EXPECT_EQ(parse_unix_time("1.0000000019")->tv_nsec, 1);
  for (const char* text : {"", "x", "1.x", "1 ", "1.5.5", "0x10"})
    EXPECT_FALSE(parse_unix_time(text)) << text;
}

IfState state_with(std::string etag, std::vector<std::string> tokens) {
  return {std::move(etag), std::move(tokens)};
}

bool holds_for(std::string_view header, const IfState& state) {
  const auto lists = parse_if_header(header);
  EXPECT_TRUE(lists.has_value()) << header;
  return lists && holds(*lists, [&](const std::string&) { return state; });
}

TEST(IfHeader, ListsAreOrConditionsAreAnd) {
  const IfState state = state_with("\"v1\"", {"urn:t1"});
  EXPECT_TRUE(holds_for("(<urn:t1>)", state));
  EXPECT_FALSE(holds_for("(<urn:t2>)", state));
  EXPECT_TRUE(holds_for("(<urn:t1> [\"v1\"])", state));
  EXPECT_FALSE(holds_for("(<urn:t1> [\"v2\"])", state));
  EXPECT_TRUE(holds_for("(<urn:t2>) ([\"v1\"])", state));
  EXPECT_TRUE(holds_for("(Not <urn:t2>)", state));
  EXPECT_FALSE(holds_for("(Not [\"v1\"])", state));
  EXPECT_TRUE(holds_for("(<urn:t2>) (Not <DAV:no-lock>)", state));
}

TEST(IfHeader, TagsNameOtherResources) {
  const auto lists = parse_if_header("<http://h/a> (<urn:1>) (<urn:2>) <http://h/b> ([W/\"x]y\"])");
  ASSERT_TRUE(lists.has_value());
  ASSERT_EQ(lists->size(), 3U);
  EXPECT_EQ(lists->at(1).resource, "http://h/a");
  EXPECT_EQ(lists->at(2).resource, "http://h/b");
  EXPECT_EQ(lists->at(2).conditions.at(0).value, "W/\"x]y\"");
  EXPECT_EQ(submitted_tokens(*lists), (std::vector<std::string>{"urn:1", "urn:2"}));
}

TEST(IfHeader, NegatedTokensAreNotSubmitted) {
  EXPECT_TRUE(submitted_tokens(*parse_if_header("(Not <urn:1>)")).empty());
}

TEST(IfHeader, RefusesWhatTheGrammarDoesNot) {
  for (const char* text : {"", "urn:1", "(", "()", "(<urn:1>", "(<urn:1)", "([v1])", "([\"v1\")",
                           "<http://h/a>", "<http://h/a> <http://h/b> (<urn:1>)", "(<>)", "(<urn:1>) garbage",
                           "(<urn:1>) <http://h/a> (<urn:2>)"}) {
    EXPECT_FALSE(parse_if_header(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace refserver::dav

// Names that Linux can hold, and names for shares that want the same one.
#include "names.hpp"

#include <gtest/gtest.h>

#include <map>

namespace nithronfs::tree {
namespace {

remote::Share share(std::string id, std::string name) {
  remote::Share share;
  share.id = std::move(id);
  share.name = std::move(name);
  return share;
}

std::map<std::string, std::string> names_of(const std::vector<remote::Share>& shares,
                                            const std::map<std::string, std::string>& current = {}) {
  std::map<std::string, std::string> names;
  const auto named = name_shares(shares, [&](const remote::Share& share, std::string_view name) {
    const auto known = current.find(share.id);
    return known != current.end() && known->second == name;
  });
  for (const NamedShare& one : named) names[one.share->id] = one.name;
  return names;
}

using Names = std::map<std::string, std::string>;

TEST(FileNameTest, IsWhatLinuxCanHold) {
  using namespace std::string_view_literals;
  for (const auto name : {"a"sv, "..."sv, " "sv, "new\nline"sv, "%2F"sv})
    EXPECT_TRUE(is_file_name(name)) << name;
  for (const auto name : {""sv, "."sv, ".."sv, "a/b"sv, "a\0b"sv}) EXPECT_FALSE(is_file_name(name)) << name;
  EXPECT_TRUE(is_file_name(std::string(255, 'x')));
  EXPECT_FALSE(is_file_name(std::string(256, 'x')));
}

TEST(ShareNamesTest, AreTheSharesOwnWherePossible) {
  EXPECT_EQ(names_of({share("1", "Photos"), share("2", "Music")}), (Names{{"1", "Photos"}, {"2", "Music"}}));
}

TEST(ShareNamesTest, OfTwoThatWantOneTheLowerIdGetsItWhateverTheOrder) {
  const Names expected = {{"1", "Photos"}, {"2", "Photos (2)"}};
  EXPECT_EQ(names_of({share("1", "Photos"), share("2", "Photos")}), expected);
  EXPECT_EQ(names_of({share("2", "Photos"), share("1", "Photos")}), expected);
}

TEST(ShareNamesTest, WhoHasANameKeepsIt) {
  EXPECT_EQ(names_of({share("1", "Photos"), share("2", "Photos")}, {{"2", "Photos"}}),
            (Names{{"1", "Photos (1)"}, {"2", "Photos"}}));
}

TEST(ShareNamesTest, AThirdShareMayBeCalledLikeTheWayOut) {
  EXPECT_EQ(names_of({share("1", "Photos"), share("2", "Photos"), share("3", "Photos (2)")}),
            (Names{{"1", "Photos"}, {"2", "2"}, {"3", "Photos (2)"}}));
}

TEST(ShareNamesTest, ImpossibleNamesBecomeTheIdOrNothing) {
  EXPECT_EQ(names_of({share("1", ".."), share("2", "a/b"), share("x/y", "")}),
            (Names{{"1", "1"}, {"2", "2"}}));
}

TEST(ShareNamesTest, ANameTooLongForTheWayOutBecomesTheId) {
  const std::string name(255, 'x');
  EXPECT_EQ(names_of({share("1", name), share("2", name)}), (Names{{"1", name}, {"2", "2"}}));
}

TEST(ShareNamesTest, ARepeatedIdIsTakenOnce) {
  EXPECT_EQ(names_of({share("1", "Photos"), share("1", "Music")}), (Names{{"1", "Photos"}}));
}

}  // namespace
}  // namespace nithronfs::tree

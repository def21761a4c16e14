// The comparison of trees finds every kind of difference; the sample is what it says.
#include "trees.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "files.hpp"

namespace nithronfs::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TreesTest : public ::testing::Test {
 protected:
  TreesTest() {
    for (const char* tree : {"a", "b"}) make_sample_tree(folder_ / tree, {.seed = 7, .small_files = 300});
  }
  std::vector<std::string> compare() { return differences(folder_ / "a", folder_ / "b"); }
  fs::path b(const std::string& name) { return folder_ / "b" / name; }
  TempDir folder_;
};

TEST_F(TreesTest, TheSameSeedGivesTheSameTree) {
  EXPECT_THAT(compare(), IsEmpty());
}

TEST_F(TreesTest, FindsMissingAndAddedNames) {
  fs::remove(b("odd/with space"));
  EXPECT_THAT(compare(), ElementsAre(HasSubstr("/odd/with space: is missing")));
  write_file(b("odd/other"), "");
  EXPECT_THAT(compare(), ElementsAre(HasSubstr("should not be"), HasSubstr("is missing")));
}

TEST_F(TreesTest, FindsASingleChangedByte) {
  std::string bytes = read_file(b("sizes/65537.bin"));
  bytes[65536] = static_cast<char>(bytes[65536] + 1);
  write_file(b("sizes/65537.bin"), bytes);
  EXPECT_THAT(compare(), ElementsAre(HasSubstr("/sizes/65537.bin: has other bytes")));
}

TEST_F(TreesTest, FindsOtherSizesAndKinds) {
  write_file(b("sizes/1.bin"), "");
  fs::remove(b("sizes/0.bin"));
  fs::create_directory(b("sizes/0.bin"));
  EXPECT_THAT(compare(), ElementsAre(HasSubstr("another kind"), HasSubstr("has 0 bytes instead of 1")));
}

TEST_F(TreesTest, FindsWhatCannotBeListed) {
  fs::remove_all(b("odd"));
  write_file(b("odd"), "");
  EXPECT_THAT(compare(), ElementsAre(HasSubstr("another kind")));
  EXPECT_THAT(differences(folder_ / "a", folder_ / "nowhere"), ElementsAre(HasSubstr("No such file")));
}

TEST(Names, AreDistinctAndFitLinux) {
  const std::vector<std::string> names = odd_names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  for (const std::string& name : names) EXPECT_LE(name.size(), 255U) << printable(name);
}

TEST(Pattern, IsRepeatableAndHasNoZeroBlocks) {
  EXPECT_EQ(pattern(3, 1000), pattern(3, 2000).substr(0, 1000));
  EXPECT_NE(pattern(3, 1000), pattern(4, 1000));
  EXPECT_EQ(pattern(3, 100'000).find(std::string(8, '\0')), std::string::npos);
}

}  // namespace
}  // namespace nithronfs::test

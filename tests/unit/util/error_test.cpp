// Every domain error has an errno that a program can act on, and a name.
#include "nithronfs/util/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

namespace nithronfs {
namespace {

TEST(ErrorTest, NamesAreUniqueAndErrnosAreReal) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Errc::io); ++i) {
    const auto code = static_cast<Errc>(i);
    EXPECT_TRUE(names.insert(name_of(code)).second) << name_of(code);
    EXPECT_NE(name_of(code), "unknown");
    EXPECT_GT(to_errno(code), 0);
  }
}

TEST(ErrorTest, PromisedErrnos) {
  EXPECT_EQ(to_errno(Errc::stale), ESTALE);
  EXPECT_EQ(to_errno(Errc::offline), ENETUNREACH);
  EXPECT_EQ(to_errno(Errc::timed_out), ETIMEDOUT);
  EXPECT_EQ(to_errno(Errc::read_only), EROFS);
  EXPECT_EQ(to_errno(Errc::bad_name), EILSEQ);
}

TEST(ErrorTest, SystemErrorSaysWhatAndWhy) {
  const auto error = system_error("open /x", ENOSPC);
  EXPECT_EQ(error.code, Errc::no_space);
  EXPECT_EQ(error.message, "open /x: No space left on device");
}

}  // namespace
}  // namespace nithronfs

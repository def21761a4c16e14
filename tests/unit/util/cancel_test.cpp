// Cancellation reaches everybody once, and nobody after they left.
#include "nithronfs/util/cancel.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace nithronfs {
namespace {

TEST(CancelTest, FiresOnceAndLateComersAtOnce) {
  CancelSource source;
  int calls = 0;
  const auto early = source.token().on_cancel([&] { ++calls; });
  source.cancel();
  source.cancel();
  EXPECT_EQ(calls, 1);
  const auto late = source.token().on_cancel([&] { ++calls; });
  EXPECT_EQ(calls, 2);
  EXPECT_TRUE(source.token().cancelled());
}

TEST(CancelTest, UnregisteredIsNotCalled) {
  CancelSource source;
  int calls = 0;
  {
    const auto gone = source.token().on_cancel([&] { ++calls; });
  }
  source.cancel();
  EXPECT_EQ(calls, 0);
}

TEST(CancelTest, MayUnregisterInsideTheCall) {
  CancelSource source;
  std::optional<CancelToken::Registration> registration;
  registration = source.token().on_cancel([&] { registration.reset(); });
  source.cancel();
  EXPECT_FALSE(registration.has_value());
}

TEST(CancelTest, DefaultTokenNeverFires) {
  const CancelToken token;
  const auto registration = token.on_cancel([] { FAIL(); });
  EXPECT_FALSE(token.cancelled());
}

}  // namespace
}  // namespace nithronfs

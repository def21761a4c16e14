// Proves that the sanitizer of this build bites: each kind of mistake that it is there for ends the program.
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <memory>
#include <thread>

namespace nithronfs::test {
namespace {

// Values that the compiler cannot know, so that it does not reason the mistakes away.
volatile int one = 1;
#ifdef __SANITIZE_ADDRESS__
int* volatile hidden = nullptr;
#endif

class SanitizerTest : public ::testing::Test {
 protected:
  // The child of a death test starts anew: forking a program with threads would test something else.
  SanitizerTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

#ifdef __SANITIZE_ADDRESS__

TEST_F(SanitizerTest, FindsReadsBehindABuffer) {
  EXPECT_DEATH(
      {
        const auto buffer = std::make_unique<int[]>(4);
        one = buffer[static_cast<std::size_t>(one) + 3];
      },
      "AddressSanitizer: heap-buffer-overflow");
}

TEST_F(SanitizerTest, FindsUseAfterFree) {
  EXPECT_DEATH(
      {
        auto buffer = std::make_unique<int>(one);
        hidden = buffer.get();
        buffer.reset();
        one = *hidden;
      },
      "AddressSanitizer: heap-use-after-free");
}

TEST_F(SanitizerTest, FindsUndefinedBehaviour) {
  EXPECT_DEATH(one = std::numeric_limits<int>::max() + one, "signed integer overflow");
}

#endif

#ifdef __SANITIZE_THREAD__

TEST_F(SanitizerTest, FindsDataRaces) {
  EXPECT_DEATH(
      {
        int shared = 0;
        std::thread other([&shared] { shared += one; });
        shared += one;
        other.join();
        one = shared;
      },
      "ThreadSanitizer: data race");
}

#endif

}  // namespace
}  // namespace nithronfs::test

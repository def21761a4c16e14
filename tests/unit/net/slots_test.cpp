// Who may start, by priority.
#include "net/slots.hpp"

#include <gtest/gtest.h>

namespace nithronfs::net {
namespace {

constexpr CallId id(std::uint64_t n) {
  return CallId{n};
}

unsigned started(SlotTable& slots) {
  unsigned count = 0;
  while (slots.start_next()) ++count;
  return count;
}

TEST(SlotTableTest, ForegroundMayHaveEverySlot) {
  SlotTable slots(8);
  for (std::uint64_t i = 1; i <= 20; ++i) slots.enqueue(id(i), Priority::foreground);
  EXPECT_EQ(started(slots), 8U);
  EXPECT_EQ(slots.waiting(), 12U);
}

TEST(SlotTableTest, BulkLeavesAQuarterFree) {
  SlotTable slots(8);
  for (std::uint64_t i = 1; i <= 20; ++i) slots.enqueue(id(i), Priority::readahead);
  EXPECT_EQ(started(slots), 6U);
  slots.enqueue(id(100), Priority::foreground);
  EXPECT_EQ(slots.start_next(), id(100));
}

TEST(SlotTableTest, BackgroundLeavesRoomForReadahead) {
  SlotTable slots(8);
  for (std::uint64_t i = 1; i <= 20; ++i) slots.enqueue(id(i), Priority::background);
  EXPECT_EQ(started(slots), 2U);
  for (std::uint64_t i = 21; i <= 40; ++i) slots.enqueue(id(i), Priority::readahead);
  EXPECT_EQ(started(slots), 4U);
}

TEST(SlotTableTest, EvenTwoSlotsKeepOneForForeground) {
  SlotTable slots(0);  // raised to the smallest that can keep the promise
  EXPECT_EQ(slots.total(), 2U);
  slots.enqueue(id(1), Priority::readahead);
  slots.enqueue(id(2), Priority::background);
  EXPECT_EQ(started(slots), 1U);
  slots.enqueue(id(3), Priority::foreground);
  EXPECT_EQ(slots.start_next(), id(3));
}

TEST(SlotTableTest, HigherPrioritiesAndOlderCallsGoFirst) {
  SlotTable slots(4);
  slots.enqueue(id(1), Priority::background);
  slots.enqueue(id(2), Priority::readahead);
  slots.enqueue(id(5), Priority::foreground);
  slots.enqueue(id(3), Priority::foreground);
  EXPECT_EQ(slots.start_next(), id(3));
  EXPECT_EQ(slots.start_next(), id(5));
  EXPECT_EQ(slots.start_next(), id(2));
  EXPECT_EQ(slots.start_next(), id(1));
  EXPECT_EQ(slots.start_next(), std::nullopt);
}

TEST(SlotTableTest, SlotsComeBackAndWithdrawnCallsDoNotStart) {
  SlotTable slots(2);
  slots.enqueue(id(1), Priority::readahead);
  slots.enqueue(id(2), Priority::readahead);
  slots.enqueue(id(3), Priority::readahead);
  EXPECT_EQ(slots.start_next(), id(1));
  EXPECT_EQ(slots.start_next(), std::nullopt);
  slots.withdraw(id(2), Priority::readahead);
  slots.give_back(Priority::readahead);
  EXPECT_EQ(slots.start_next(), id(3));
  EXPECT_EQ(slots.waiting(), 0U);
}

}  // namespace
}  // namespace nithronfs::net

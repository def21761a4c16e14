// Reads: single flight, answers as bytes arrive, readahead, interrupts, deadlines, and servers that
// misbehave.
#include <thread>

#include "cache_fixture.hpp"

namespace nithronfs::cache {
namespace {

using std::chrono::seconds;

class ReadTest : public CacheTest {};

TEST_F(ReadTest, AnswersWhenItsBytesAreHereNotWhenTheFetchEnds) {
  stream = open(spec(10 * mib));
  const auto outcome = read(stream, 0, 4 * kib);
  ASSERT_EQ(source->calls.size(), 1U);
  EXPECT_GT(source->calls[0].range.length, 4 * kib);
  source->calls[0].send(4 * kib - 1);
  EXPECT_TRUE(outcome->pending());
  source->calls[0].send(1);
  expect_bytes(*outcome, 0, 4 * kib);
  EXPECT_TRUE(source->calls[0].open());
}

TEST_F(ReadTest, S3_SmallReadOfAHugeFileFetchesLittle) {
  stream = open(spec(std::uint64_t{50} << 30));
  const auto outcome = read(stream, 7 * mib + 123, 4 * kib);
  ASSERT_EQ(source->calls.size(), 1U);
  EXPECT_LE(source->calls[0].range.length, 256 * kib);
  source->calls[0].answer();
  expect_bytes(*outcome, 7 * mib + 123, 4 * kib);
}

TEST_F(ReadTest, ManyReadersOfTheSameBytesAreOneFetch) {
  stream = open(spec(64 * kib));
  const auto other = open(spec(64 * kib));
  const auto first = read(stream, 0, 64 * kib);
  const auto second = read(other, 0, 64 * kib);
  const auto third = read(other, 10, 100);
  ASSERT_EQ(source->calls.size(), 1U);
  source->calls[0].answer();
  expect_bytes(*first, 0, 64 * kib);
  expect_bytes(*second, 0, 64 * kib);
  expect_bytes(*third, 10, 100);
}

TEST_F(ReadTest, SecondReadCostsNoRequest) {
  source->instant = true;
  stream = open(spec(100 * kib));
  read(stream, 0, 100 * kib);
  const auto before = source->calls.size();
  expect_bytes(*read(stream, 5, 70 * kib), 5, 70 * kib);
  EXPECT_EQ(source->calls.size(), before);
}

TEST_F(ReadTest, EndOfFileIsEmptyAndCut) {
  source->instant = true;
  stream = open(spec(1000));
  expect_bytes(*read(stream, 1000, 10), 1000, 0);
  expect_bytes(*read(stream, 5000, 10), 5000, 0);
  expect_bytes(*read(stream, 990, 100), 990, 10);
}

TEST_F(ReadTest, SequentialReadingGetsTheWholeFileOnceInFewRequests) {
  source->instant = true;
  const std::uint64_t size = 96 * mib + 17;
  stream = open(spec(size));
  for (std::uint64_t at = 0; at < size; at += 128 * kib) {
    const auto length = std::min<std::uint64_t>(128 * kib, size - at);
    expect_bytes(*read(stream, at, 128 * kib), at, length);
  }
  std::uint64_t fetched = 0;
  for (const auto& call : source->calls) fetched += call.range.length;
  EXPECT_EQ(fetched, size);
  EXPECT_LE(source->calls.size(), 24U);
}

TEST_F(ReadTest, ASeekCancelsTheReadaheadButNotWhatOthersWaitFor) {
  stream = open(spec(200 * mib));
  std::uint64_t at = 0;
  for (; at < 4 * mib; at += mib) {
    read(stream, at, mib);
    for (auto& call : source->calls) {
      if (!call.open() || call.range.offset > at) continue;
      call.send(std::min<std::uint64_t>(at + mib, call.range.offset + call.range.length) - call.range.offset -
                call.sent);
      if (call.sent == call.range.length) call.finish();
    }
  }
  const auto ahead = std::ranges::find_if(source->calls, [](const auto& call) { return call.open(); });
  ASSERT_NE(ahead, source->calls.end());
  ASSERT_FALSE(ahead->options.cancel.cancelled());
  const auto far = read(stream, 150 * mib, 4 * kib);
  EXPECT_TRUE(ahead->options.cancel.cancelled());
  EXPECT_FALSE(source->calls.back().options.cancel.cancelled());
  source->calls.back().answer();
  expect_bytes(*far, 150 * mib, 4 * kib);
  // What was given up is fetched again when somebody wants it after all.
  ahead->finish(fail(Errc::cancelled, "cancelled"));
  const auto back = read(stream, ahead->range.offset + ahead->sent, 4 * kib);
  EXPECT_TRUE(back->pending());
  source->calls.back().answer();
  expect_bytes(*back, ahead->range.offset + ahead->sent, 4 * kib);
}

TEST_F(ReadTest, ClosingEndsTheReadahead) {
  stream = open(spec(200 * mib));
  read(stream, 0, mib);
  source->calls[0].answer();
  read(stream, mib, mib);
  auto& ahead = source->calls.back();
  ahead.send(mib);
  ASSERT_TRUE(ahead.open());
  stream.reset();
  EXPECT_TRUE(ahead.options.cancel.cancelled());
}

TEST_F(ReadTest, AFarFetchDoesNotHoldUpANearRead) {
  stream = open(spec(200 * mib));
  source->instant = true;
  for (std::uint64_t at = 0; at < 16 * mib; at += mib) read(stream, at, mib);
  source->instant = false;
  const auto before = source->calls.size();
  std::uint64_t at = 16 * mib;
  while (source->calls.size() == before) read(stream, at += mib, mib);
  const auto& ahead = source->calls.back();
  ASSERT_GE(ahead.range.length, 12 * mib);
  const auto wanted = ahead.range.offset + 11 * mib;
  const auto other = open(spec(200 * mib));
  const auto outcome = read(other, wanted, 4 * kib);
  ASSERT_EQ(source->calls.back().range.offset, wanted);
  source->calls.back().answer();
  expect_bytes(*outcome, wanted, 4 * kib);
}

TEST_F(ReadTest, S4_WithoutTheServerTheReadFailsAtOnce) {
  stream = open(spec(mib));
  const auto outcome = read(stream, 0, 4 * kib);
  source->calls[0].finish(fail(Errc::offline, "no route"));
  ASSERT_FALSE(outcome->pending());
  EXPECT_EQ(outcome->error(), Errc::offline);
  // And works again when the server is back.
  const auto later = read(stream, 0, 4 * kib);
  source->calls.back().answer();
  expect_bytes(*later, 0, 4 * kib);
}

TEST_F(ReadTest, S4_SilenceEndsAtTheDeadline) {
  stream = open(spec(mib));
  const auto outcome = read(stream, 0, 4 * kib);
  crank.advance(seconds(29));
  EXPECT_TRUE(outcome->pending());
  crank.advance(seconds(2));
  ASSERT_FALSE(outcome->pending());
  EXPECT_EQ(outcome->error(), Errc::timed_out);
}

TEST_F(ReadTest, AnInterruptEndsOnlyThatRead) {
  stream = open(spec(mib));
  CancelSource interrupt;
  const auto interrupted = read(stream, 0, 4 * kib, interrupt.token());
  const auto patient = read(stream, 0, 4 * kib);
  interrupt.cancel();
  ASSERT_FALSE(interrupted->pending());
  EXPECT_EQ(interrupted->error(), Errc::interrupted);
  source->calls[0].answer();
  expect_bytes(*patient, 0, 4 * kib);
}

TEST_F(ReadTest, S2_AVersionThatIsGoneIsStaleForEver) {
  stream = open(spec(mib));
  const auto here = read(stream, 0, 4 * kib);
  source->calls[0].send(64 * kib);
  source->calls[0].finish(fail(Errc::stale, "another version"));
  expect_bytes(*here, 0, 4 * kib);
  const auto gone = read(stream, 512 * kib, 4 * kib);
  ASSERT_FALSE(gone->pending());
  EXPECT_EQ(gone->error(), Errc::stale);
  // What was read before is still of that version.
  expect_bytes(*read(stream, 4 * kib, 8 * kib), 4 * kib, 8 * kib);
}

TEST_F(ReadTest, ABrokenConnectionIsContinuedWhereItBroke) {
  stream = open(spec(10 * mib));
  const auto outcome = read(stream, 0, 64 * kib);
  source->calls[0].send(10 * kib);
  source->calls[0].finish(fail(Errc::protocol, "reset in mid-body"));
  ASSERT_EQ(source->calls.size(), 2U);
  EXPECT_EQ(source->calls[1].range.offset, 10 * kib);
  EXPECT_TRUE(outcome->pending());
  source->calls[1].answer();
  expect_bytes(*outcome, 0, 64 * kib);
}

TEST_F(ReadTest, AServerThatAlwaysBreaksIsGivenUp) {
  stream = open(spec(10 * mib));
  const auto outcome = read(stream, 0, 64 * kib);
  for (std::size_t i = 0; i < source->calls.size() && i < 50; ++i) {
    source->calls[i].send(100);
    source->calls[i].finish(fail(Errc::protocol, "reset in mid-body"));
  }
  EXPECT_LT(source->calls.size(), 10U);
  ASSERT_FALSE(outcome->pending());
  EXPECT_EQ(outcome->error(), Errc::protocol);
}

TEST_F(ReadTest, S5_ASourceThatEndsShortIsNotBelieved) {
  stream = open(spec(mib));
  const auto outcome = read(stream, 0, 64 * kib);
  source->calls[0].finish();
  ASSERT_FALSE(outcome->pending());
  EXPECT_EQ(outcome->error(), Errc::protocol);
}

TEST_F(ReadTest, S5_BytesBeyondTheRangeAreRefused) {
  stream = open(spec(100));
  const auto outcome = read(stream, 0, 100);
  EXPECT_FALSE(source->calls[0].send(101));
  source->calls[0].finish(fail(Errc::cancelled, "stopped"));
  ASSERT_FALSE(outcome->pending());
  EXPECT_FALSE(*outcome->result);
}

TEST_F(ReadTest, R8_TheTailWaitsForTheConfirmation) {
  source->is_atomic = false;
  source->confirmation = fail(Errc::stale, "replaced in place");
  stream = open(spec(mib));
  const auto begin = read(stream, 0, 4 * kib);
  const auto end = read(stream, mib - 4 * kib, 4 * kib);
  for (std::size_t i = 0; i < source->calls.size(); ++i) source->calls[i].answer();
  EXPECT_GE(source->confirmations, 1);
  ASSERT_FALSE(end->pending());
  EXPECT_EQ(end->error(), Errc::stale);
  EXPECT_FALSE(begin->pending());
  // Nothing of it may be believed any more.
  const auto again = read(stream, 0, 4 * kib);
  ASSERT_FALSE(again->pending());
  EXPECT_EQ(again->error(), Errc::stale);
}

TEST_F(ReadTest, R8_ConfirmedBytesAreAsGoodAsAny) {
  source->is_atomic = false;
  source->instant = true;
  stream = open(spec(100 * kib));
  expect_bytes(*read(stream, 0, 100 * kib), 0, 100 * kib);
  EXPECT_EQ(source->confirmations, 1);
  settle();
  restart();
  stream = open(spec(100 * kib));
  expect_bytes(*read(stream, 0, 100 * kib), 0, 100 * kib);
  EXPECT_TRUE(source->calls.empty());
}

TEST_F(ReadTest, ShutdownFailsWhatWaits) {
  stream = open(spec(mib));
  const auto outcome = read(stream, 0, 4 * kib);
  std::thread closer([&] { cache->shutdown(); });
  while (!source->calls[0].options.cancel.cancelled()) std::this_thread::yield();
  source->calls[0].finish(fail(Errc::cancelled, "cancelled"));
  closer.join();
  ASSERT_FALSE(outcome->pending());
  EXPECT_EQ(outcome->error(), Errc::cancelled);
  EXPECT_EQ(read(stream, 0, 4 * kib)->error(), Errc::cancelled);
}

}  // namespace
}  // namespace nithronfs::cache

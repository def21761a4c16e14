// A block cache on a real directory with a server that does exactly what the test says, and time that stands
// still.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "nithronfs/cache/cache.hpp"

namespace nithronfs::cache {

class QuietLog final : public Log {
 public:
  QuietLog() : Log(LogLevel::debug) {}
  std::vector<std::string> lines;

 protected:
  void write(LogLevel, std::string_view line) override { lines.emplace_back(line); }
};

// Byte i of every file in these tests.
inline char byte_at(std::uint64_t offset) {
  return static_cast<char>(offset * 31 + (offset >> 12) * 7 + 1);
}
inline std::string bytes_of(std::uint64_t offset, std::size_t length) {
  std::string bytes(length, '\0');
  for (std::size_t i = 0; i < length; ++i) bytes[i] = byte_at(offset + i);
  return bytes;
}

// Keeps every request until the test answers it.
class ScriptedSource final : public Source {
 public:
  struct Call {
    remote::ByteRange range;
    std::shared_ptr<remote::BytesReceiver> receiver;
    remote::CallOptions options;
    Callback<Result<void>>::Done done;
    std::uint64_t sent = 0;
    net::Flow flow = net::Flow::proceed;

    // The next `length` bytes of the range; false when the receiver has had enough.
    bool send(std::size_t length) {
      const auto bytes = bytes_of(range.offset + sent, length);
      flow = receiver->on_bytes(range.offset + sent, std::as_bytes(std::span(bytes)));
      sent += length;
      return flow != net::Flow::stop;
    }
    void finish(Result<void> outcome = {}) {
      receiver.reset();
      std::exchange(done, nullptr)(std::move(outcome));
    }
    void answer() {
      const bool wanted = send(range.length);
      finish(wanted ? Result<void>{} : Result<void>(fail(Errc::cancelled, "stopped")));
    }
    [[nodiscard]] bool open() const { return static_cast<bool>(done); }
  };

  bool is_atomic = true;
  bool instant = false;  // answer every fetch at once, in full
  Result<void> confirmation;
  std::deque<Call> calls;
  int confirmations = 0;

  Task<Result<void>> fetch(remote::ByteRange range, std::shared_ptr<remote::BytesReceiver> receiver,
                           remote::CallOptions options) override {
    if (instant) {
      Call call{range, receiver, options, {}};
      const bool wanted = call.send(range.length);
      call.receiver.reset();
      calls.push_back(std::move(call));
      co_return wanted ? Result<void>{} : Result<void>(fail(Errc::cancelled, "stopped"));
    }
    co_return co_await Callback<Result<void>>(
        [&, this](auto done) { calls.push_back({range, receiver, options, std::move(done)}); });
  }
  bool atomic() const override { return is_atomic; }
  Task<Result<void>> confirm(remote::CallOptions) override {
    ++confirmations;
    co_return confirmation;
  }
  // Ends what is still open, as a closing connection would.
  void hang_up() {
    for (std::size_t i = 0; i < calls.size(); ++i) {
      if (calls[i].open()) calls[i].finish(fail(Errc::cancelled, "hung up"));
    }
  }
};

class FixedRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override { std::ranges::fill(out, std::byte{4}); }
};

class CacheTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kib = 1024;
  static constexpr std::uint64_t mib = 1024 * kib;

  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "nithronfs-cache-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory = pattern;
    start();
  }
  void TearDown() override {
    stop();
    std::filesystem::remove_all(directory);
  }

  void start() {
    auto opened = store::Environment::open({.directory = directory + "/index",
                                            .map_size = 64 * mib,
                                            .tables = BlockCache::table_names(),
                                            .durability = store::Durability::unsynced});
    ASSERT_TRUE(opened) << opened.error().message;
    index = std::move(*opened);
    auto made = BlockCache::open({.directory = directory + "/cache",
                                  .index = *index,
                                  .first_table = store::Table{0},
                                  .seams = {crank, random, log, crank, crank},
                                  .timeout = std::chrono::seconds(30),
                                  .max_bytes = max_bytes});
    ASSERT_TRUE(made) << made.error().message;
    cache = std::move(*made);
    source = std::make_shared<ScriptedSource>();
  }
  void stop() {
    stream.reset();
    if (source) source->hang_up();
    if (cache) cache->shutdown();
    cache.reset();
    crank.drop_all();
    index.reset();
  }
  void restart() {
    stop();
    start();
  }

  static FileSpec spec(std::uint64_t size, std::uint8_t name = 1) {
    FileSpec result{.key = {}, .size = size, .version = "v1"};
    result.key.fill(name);
    return result;
  }
  std::shared_ptr<Stream> open(const FileSpec& file) { return cache->stream(cache->file(file, source)); }

  // A read that may wait.
  struct Outcome {
    std::optional<Result<std::string>> result;
    [[nodiscard]] bool pending() const { return !result.has_value(); }
    [[nodiscard]] Errc error() const { return result->error().code; }
  };
  std::shared_ptr<Outcome> read(const std::shared_ptr<Stream>& from, std::uint64_t offset, std::size_t length,
                                CancelToken interrupt = {}) {
    auto outcome = std::make_shared<Outcome>();
    cache->read(from, offset, length, std::move(interrupt), [outcome](Result<Slice> slice) {
      EXPECT_TRUE(outcome->pending()) << "answered twice";
      if (!slice) {
        outcome->result = fail(slice.error());
        return;
      }
      if (slice->memory) {
        outcome->result = std::string(slice->bytes_in_memory());
        return;
      }
      std::string bytes(slice->length, '\0');
      const auto got =
          bytes.empty() ? 0 : pread(slice->fd, bytes.data(), bytes.size(), static_cast<off_t>(slice->offset));
      EXPECT_EQ(got, static_cast<ssize_t>(slice->length));
      outcome->result = std::move(bytes);
    });
    return outcome;
  }
  void expect_bytes(const Outcome& outcome, std::uint64_t offset, std::size_t length) {
    ASSERT_FALSE(outcome.pending());
    ASSERT_TRUE(*outcome.result) << outcome.result->error().message;
    EXPECT_EQ(**outcome.result == bytes_of(offset, length), true) << "other bytes than the server has";
  }
  // Lets everything that waits for time or the disk happen.
  void settle() { crank.advance(std::chrono::seconds(2)); }

  std::string directory;
  std::uint64_t max_bytes = std::uint64_t{1} << 30;
  ManualExecutor crank;
  FixedRandom random;
  QuietLog log;
  std::unique_ptr<store::Environment> index;
  std::unique_ptr<BlockCache> cache;
  std::shared_ptr<ScriptedSource> source;
  std::shared_ptr<Stream> stream;
};

}  // namespace nithronfs::cache

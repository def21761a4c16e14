// A client on real sockets, and receivers that a test can wait for.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <mutex>

#include "nithronfs/net/http.hpp"
#include "support/http_script_server.hpp"
#include "support/test_seams.hpp"

namespace nithronfs::net {

using nithronfs::testing::Gate;
using nithronfs::testing::HttpScriptServer;
using nithronfs::testing::kPatience;
using nithronfs::testing::ScriptReply;
using nithronfs::testing::ScriptRequest;
using nithronfs::testing::TestSeams;

// Records one response. Thread-safe.
class RecordingReceiver final : public Receiver {
 public:
  // What on_data is to answer; by default proceed.
  std::function<Flow(std::size_t bytes_so_far)> flow = [](std::size_t) { return Flow::proceed; };

  Flow on_head(const ResponseHead& head) override {
    const std::lock_guard lock(mutex_);
    head_ = head;
    ++heads_;
    changed_.notify_all();
    return Flow::proceed;
  }
  Flow on_data(std::span<const std::byte> bytes) override {
    const std::lock_guard lock(mutex_);
    body_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    changed_.notify_all();
    return flow(body_.size());
  }
  void on_done(Result<void> outcome) override {
    const std::lock_guard lock(mutex_);
    ++dones_;
    outcome_ = std::move(outcome);
    changed_.notify_all();
  }

  // The outcome; a failure of the test when it does not come.
  [[nodiscard]] Result<void> wait() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [this] { return outcome_.has_value(); })) {
      ADD_FAILURE() << "on_done did not come";
      return fail(Errc::timed_out, "test");
    }
    return *outcome_;
  }
  [[nodiscard]] bool wait_for_bytes(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [this, count] { return body_.size() >= count; });
  }
  [[nodiscard]] bool done() const {
    const std::lock_guard lock(mutex_);
    return outcome_.has_value();
  }
  [[nodiscard]] std::string body() const {
    const std::lock_guard lock(mutex_);
    return body_;
  }
  [[nodiscard]] ResponseHead head() const {
    const std::lock_guard lock(mutex_);
    return head_;
  }
  [[nodiscard]] int heads() const {
    const std::lock_guard lock(mutex_);
    return heads_;
  }
  [[nodiscard]] int dones() const {
    const std::lock_guard lock(mutex_);
    return dones_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  ResponseHead head_;
  std::string body_;
  int heads_ = 0;
  int dones_ = 0;
  std::optional<Result<void>> outcome_;
};

class NetTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<HttpClient> make_client(const ClientOptions& options = {}) {
    auto client = make_http_client(options, seams_.seams());
    if (!client) throw std::runtime_error(client.error().message);
    return std::move(*client);
  }
  // One request to its end.
  [[nodiscard]] Result<Response> get(HttpClient& client, Request request) {
    return nithronfs::testing::wait_for(fetch(client, std::move(request), std::size_t{64} << 20));
  }
  [[nodiscard]] Result<Response> get(HttpClient& client, std::string url) {
    return get(client, Request{.url = std::move(url)});
  }

  TestSeams seams_;
};

#define ASSERT_OK(result) ASSERT_TRUE((result).has_value()) << (result).error().message
#define EXPECT_FAILS(result, expected)                                                                    \
  do {                                                                                                    \
    const auto& checked_result = (result);                                                                \
    ASSERT_FALSE(checked_result.has_value());                                                             \
    EXPECT_EQ(name_of(checked_result.error().code), name_of(expected)) << checked_result.error().message; \
  } while (false)

}  // namespace nithronfs::net

// A Remote in front of a scripted server.
#pragma once

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include "nithronfs/remote/factory.hpp"
#include "support/http_script_server.hpp"
#include "support/test_seams.hpp"

namespace nithronfs::remote {

using nithronfs::testing::Gate;
using nithronfs::testing::HttpScriptServer;
using nithronfs::testing::kPatience;
using nithronfs::testing::ScriptReply;
using nithronfs::testing::ScriptRequest;
using nithronfs::testing::wait_for;

#define ASSERT_OK(result) ASSERT_TRUE((result).has_value()) << (result).error().message
#define EXPECT_FAILS(result, expected)                                                                    \
  do {                                                                                                    \
    const auto& checked_result = (result);                                                                \
    ASSERT_FALSE(checked_result.has_value());                                                             \
    EXPECT_EQ(name_of(checked_result.error().code), name_of(expected)) << checked_result.error().message; \
    EXPECT_EQ(checked_result.error().message.find("nos_"), std::string::npos) << "a secret";              \
  } while (false)

// Used on one thread at a time: on the net thread until the call has ended, by the test then.
class ListRecorder final : public ListingReceiver {
 public:
  net::Flow on_entry(Entry entry) override {
    names.push_back(std::move(entry.name));
    return net::Flow::proceed;
  }
  void on_refused(std::string_view href, std::string_view reason) override {
    refused.emplace_back(std::string(href) + ": " + std::string(reason));
  }
  std::vector<std::string> names;
  std::vector<std::string> refused;
};

// Checks that bytes arrive in order, without holes.
class BytesRecorder final : public BytesReceiver {
 public:
  explicit BytesRecorder(std::uint64_t first) : next_(first) {}
  std::function<net::Flow(std::size_t)> flow = [](std::size_t) { return net::Flow::proceed; };

  net::Flow on_bytes(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(offset, next_);
    EXPECT_FALSE(bytes.empty());
    next_ += bytes.size();
    text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    changed_.notify_all();
    return flow(text_.size());
  }
  [[nodiscard]] std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  [[nodiscard]] bool wait_for_bytes(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [this, count] { return text_.size() >= count; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_;
  std::string text_;
};

class RemoteTest : public ::testing::Test {
 protected:
  RemoteTest() {
    std::string pattern = ::testing::TempDir() + "nithronfs-remote-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    client_ = std::move(*net::make_http_client({}, seams_.seams()));
  }
  ~RemoteTest() override {
    remote_.reset();
    client_.reset();
    // A token renewal that nobody waits for may still be writing there.
    for (std::error_code error; std::filesystem::remove_all(directory_, error) != 0 || error;) error.clear();
  }

  // A NithronOS server that answers with `handler`, and a device that is logged in there.
  void serve(HttpScriptServer::Handler handler) {
    start_server(std::move(handler));
    save_account("nos_dt_first", "nos_rt_first");
    connect();
  }
  void start_server(HttpScriptServer::Handler handler) {
    server_ = std::make_unique<HttpScriptServer>(std::move(handler));
  }
  void connect() { remote_ = make_remote(*client_); }
  [[nodiscard]] std::unique_ptr<Remote> make_remote(net::HttpClient& client) {
    return make_nithron_remote(client, seams_.seams(), RemoteOptions{.base_url = server_->url()},
                               std::make_unique<AccountStore>(account_path()));
  }
  void serve_webdav(HttpScriptServer::Handler handler, const std::string& path = "/files",
                    const std::string& username = {}, const std::string& password = {}) {
    start_server(std::move(handler));
    remote_ = make_webdav_remote(
        *client_, seams_.seams(),
        RemoteOptions{.base_url = server_->url(path), .username = username, .password = password});
  }
  void save_account(const std::string& token, const std::string& refresh_token, std::int64_t expires_at = 0) {
    const Account account{.server = server_->url(),
                          .device_id = "d1",
                          .device_token = token,
                          .refresh_token = refresh_token,
                          .expires_at = expires_at};
    ASSERT_TRUE(AccountStore(account_path()).save(account));
  }
  [[nodiscard]] std::string account_path() const { return directory_ + "/account.json"; }

  nithronfs::testing::TestSeams seams_;
  std::string directory_;
  std::unique_ptr<HttpScriptServer> server_;
  std::unique_ptr<net::HttpClient> client_;
  std::unique_ptr<Remote> remote_;
};

// One <response> for a file or, with a slash at the end of `href`, a directory.
inline std::string response_xml(const std::string& href, const std::string& size = "12",
                                const std::string& etag = "&quot;v1&quot;") {
  const std::string properties = href.ends_with('/')
                                     ? "<D:resourcetype><D:collection/></D:resourcetype>"
                                     : "<D:resourcetype/><D:getcontentlength>" + size +
                                           "</D:getcontentlength><D:getetag>" + etag + "</D:getetag>";
  return "<D:response><D:href>" + href + "</D:href><D:propstat><D:prop>" + properties +
         "<D:getlastmodified>Sun, 06 Nov 1994 08:49:37 GMT</D:getlastmodified></D:prop>"
         "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>";
}
inline const std::string kMultistatusStart = R"(<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">)";
inline const std::string kMultistatusEnd = "</D:multistatus>";
inline ScriptReply multistatus(const std::string& responses) {
  return ScriptReply::status(207, kMultistatusStart + responses + kMultistatusEnd,
                             {{"Content-Type", "application/xml"}});
}

}  // namespace nithronfs::remote

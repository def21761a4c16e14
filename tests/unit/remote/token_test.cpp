// Tokens that end: renewed once, stored before they are used, shared between processes.
#include <atomic>
#include <thread>

#include "remote_fixture.hpp"

namespace nithronfs::remote {
namespace {

constexpr const char* kNewPair =
    R"({"device_token":"nos_dt_second","refresh_token":"nos_rt_second","expires_at":"2099-01-01T00:00:00Z"})";
constexpr const char* kShares = R"({"shares":[]})";

class TokenTest : public RemoteTest {
 protected:
  // Accepts `good` only; refreshing answers with `refresh`.
  HttpScriptServer::Handler accepting(std::string good, ScriptReply refresh) {
    return [good = std::move(good), refresh = std::move(refresh)](const ScriptRequest& request) {
      if (request.target == "/api/v1/sync/devices/refresh") return refresh;
      return request.header("Authorization") == "Bearer " + good
                 ? ScriptReply::ok(kShares)
                 : ScriptReply::status(401, R"({"error":{"code":"token.invalid","message":"no"}})");
    };
  }
  [[nodiscard]] std::size_t refreshes() const {
    const auto requests = server_->requests();
    return static_cast<std::size_t>(std::ranges::count_if(requests, [](const ScriptRequest& request) {
      return request.target == "/api/v1/sync/devices/refresh";
    }));
  }
  [[nodiscard]] Result<std::vector<Share>> shares() { return wait_for(remote_->shares({})); }
  [[nodiscard]] Account stored() const { return AccountStore(account_path()).load().value(); }
};

TEST_F(TokenTest, ARefusedTokenIsRenewedAndTheRequestRepeatedOnce) {
  serve(accepting("nos_dt_second", ScriptReply::ok(kNewPair)));
  ASSERT_OK(shares());
  EXPECT_EQ(refreshes(), 1U);
  EXPECT_EQ(server_->request_count(), 3U);
  EXPECT_EQ(server_->requests().at(1).body, R"({"refresh_token":"nos_rt_first"})");
  EXPECT_EQ(server_->requests().at(1).header("Authorization"), "");
  EXPECT_EQ(stored().device_token, "nos_dt_second");
  EXPECT_EQ(stored().refresh_token, "nos_rt_second");
  EXPECT_EQ(stored().device_id, "d1");
  ASSERT_OK(shares());
  EXPECT_EQ(refreshes(), 1U);
}

TEST_F(TokenTest, TheNewPairIsStoredBeforeItIsUsed) {
  std::atomic<bool> stored_in_time = false;
  serve([this, &stored_in_time](const ScriptRequest& request) {
    if (request.target == "/api/v1/sync/devices/refresh") return ScriptReply::ok(kNewPair);
    if (request.header("Authorization") != "Bearer nos_dt_second") return ScriptReply::status(401, "no");
    stored_in_time = AccountStore(account_path()).load().value().device_token == "nos_dt_second";
    return ScriptReply::ok(kShares);
  });
  ASSERT_OK(shares());
  EXPECT_TRUE(stored_in_time);
}

TEST_F(TokenTest, APairThatCannotBeStoredIsNotUsed) {
  start_server(accepting("nos_dt_second", ScriptReply::ok(kNewPair)));
  save_account("nos_dt_first", "nos_rt_first");
  // A name so long that its lock file fits but its temporary file does not: fails for root as well.
  const std::string long_path = directory_ + "/" + std::string(250, 'x');
  std::filesystem::rename(account_path(), long_path);
  remote_ = make_nithron_remote(*client_, seams_.seams(), RemoteOptions{.base_url = server_->url()},
                                std::make_unique<AccountStore>(long_path));
  EXPECT_FAILS(shares(), Errc::name_too_long);
  EXPECT_EQ(refreshes(), 1U);
  for (const auto& request : server_->requests()) {
    EXPECT_NE(request.header("Authorization"), "Bearer nos_dt_second");
  }
}

TEST_F(TokenTest, ManyRequestsRenewOnce) {
  serve(accepting("nos_dt_second", ScriptReply::ok(kNewPair)));
  std::vector<std::future<Result<std::vector<Share>>>> results;
  for (int i = 0; i < 50; ++i) {
    auto promise = std::make_shared<std::promise<Result<std::vector<Share>>>>();
    results.push_back(promise->get_future());
    spawn(remote_->shares({}),
          [promise](Result<std::vector<Share>> result) { promise->set_value(std::move(result)); });
  }
  for (auto& result : results) {
    ASSERT_EQ(result.wait_for(kPatience), std::future_status::ready);
    ASSERT_OK(result.get());
  }
  EXPECT_EQ(refreshes(), 1U);
}

TEST_F(TokenTest, APairRenewedByAnotherProcessIsTaken) {
  serve(accepting("nos_dt_second", ScriptReply::status(401, "dead")));
  save_account("nos_dt_second", "nos_rt_second");  // as the other process does
  ASSERT_OK(shares());
  EXPECT_EQ(refreshes(), 0U);
}

TEST_F(TokenTest, ARenewalWaitsForAnotherProcess) {
  serve(accepting("nos_dt_second", ScriptReply::status(401, "dead")));
  const AccountStore other(account_path());
  auto lock = other.lock();
  ASSERT_OK(lock);
  std::thread process([&] {
    EXPECT_TRUE(server_->wait_for_requests(1, kPatience));  // we were refused and want the lock now
    save_account("nos_dt_second", "nos_rt_second");
    lock->reset();
  });
  const auto result = shares();
  process.join();
  ASSERT_OK(result);
  EXPECT_EQ(refreshes(), 0U);
}

TEST_F(TokenTest, BothTokensDeadMeansLoggingInAgain) {
  serve(accepting("none", ScriptReply::status(401, "dead")));
  for (int i = 0; i < 3; ++i) {
    const auto result = shares();
    EXPECT_FAILS(result, Errc::not_logged_in);
    EXPECT_NE(result.error().message.find("nithronctl login " + server_->url()), std::string::npos);
  }
  EXPECT_EQ(refreshes(), 1U);  // a dead refresh token is not tried again and again
  EXPECT_EQ(stored().device_token, "nos_dt_first");
}

TEST_F(TokenTest, ANewLoginIsPickedUp) {
  serve(accepting("nos_dt_fresh", ScriptReply::status(401, "dead")));
  EXPECT_FAILS(shares(), Errc::not_logged_in);
  save_account("nos_dt_fresh", "nos_rt_fresh");
  ASSERT_OK(shares());
}

TEST_F(TokenTest, AMissingAccountIsPickedUpLater) {
  start_server(accepting("nos_dt_first", ScriptReply::ok(kNewPair)));
  connect();
  const auto result = shares();
  EXPECT_FAILS(result, Errc::not_logged_in);
  EXPECT_NE(result.error().message.find("nithronctl login"), std::string::npos);
  EXPECT_EQ(server_->request_count(), 0U);
  save_account("nos_dt_first", "nos_rt_first");
  ASSERT_OK(shares());
}

TEST_F(TokenTest, AFailedRenewalLosesNothing) {
  serve(accepting("nos_dt_second", ScriptReply::status(503, "later")));
  EXPECT_FAILS(shares(), Errc::server);
  EXPECT_EQ(stored().refresh_token, "nos_rt_first");
  EXPECT_FAILS(shares(), Errc::server);
  EXPECT_EQ(refreshes(), 2U);
}

TEST_F(TokenTest, AWebPageIsNoRenewal) {
  serve(accepting("nos_dt_second", ScriptReply::ok("<html>log in</html>", {{"Content-Type", "text/html"}})));
  EXPECT_FAILS(shares(), Errc::protocol);
  EXPECT_EQ(stored().refresh_token, "nos_rt_first");
}

TEST_F(TokenTest, AServerThatRefusesTheNewTokenIsNotAskedForEver) {
  serve(accepting("none", ScriptReply::ok(kNewPair)));
  EXPECT_FAILS(shares(), Errc::not_logged_in);
  EXPECT_EQ(server_->request_count(), 3U);
}

TEST_F(TokenTest, ATokenNearItsEndIsRenewedAheadWhileTheOldOneServes) {
  start_server(accepting("nos_dt_first", ScriptReply::ok(kNewPair)));
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  save_account("nos_dt_first", "nos_rt_first",
               std::chrono::duration_cast<std::chrono::seconds>(now).count() - 10);
  connect();
  ASSERT_OK(shares());
  // Nobody waits for the renewal; its end shows in the file.
  ASSERT_TRUE(server_->wait_for_requests(2, kPatience));
  EXPECT_EQ(refreshes(), 1U);
}

TEST_F(TokenTest, TheTokenGoesToItsOwnServerOnly) {
  start_server(accepting("nos_dt_first", ScriptReply::ok(kNewPair)));
  const Account elsewhere{
      .server = "https://other.example", .device_token = "nos_dt_first", .refresh_token = "r"};
  ASSERT_TRUE(AccountStore(account_path()).save(elsewhere));
  connect();
  EXPECT_FAILS(shares(), Errc::not_logged_in);
  EXPECT_EQ(server_->request_count(), 0U);
}

TEST_F(TokenTest, AReadGoesOnAfterTheRenewal) {
  serve([](const ScriptRequest& request) {
    if (request.target == "/api/v1/sync/devices/refresh") return ScriptReply::ok(kNewPair);
    if (request.header("Authorization") != "Bearer nos_dt_second") return ScriptReply::status(401, "no");
    return ScriptReply::status(206, "abc", {{"Content-Range", "bytes 0-2/3"}, {"ETag", "\"v\""}});
  });
  const auto recorder = std::make_shared<BytesRecorder>(0);
  ASSERT_OK(wait_for(
      remote_->read("s", "a", Version{.etag = "\"v\"", .size = 3, .mtime = {}}, {0, 3}, recorder, {})));
  EXPECT_EQ(recorder->text(), "abc");
}

}  // namespace
}  // namespace nithronfs::remote

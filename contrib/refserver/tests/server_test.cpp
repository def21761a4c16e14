// The program as a client meets it: accounts, devices, shares, feed, files, in both profiles.
#include <gtest/gtest.h>

#include <ctime>
#include <future>

#include "../src/crypto.hpp"
#include "../src/encoding.hpp"
#include "../src/totp.hpp"
#include "server_process.hpp"

namespace refserver::testing {
namespace {

using nlohmann::json;

std::string code_of(const Reply& reply) {
  auto body = reply.json();
  return body.contains("error") && body["error"].is_object() ? body["error"].value("code", "") : "";
}

class ServerTest : public ::testing::TestWithParam<const char*> {
 protected:
  void start(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--profile", GetParam()});
    server_ = std::make_unique<ServerProcess>(site_.arguments(more));
    client_ = std::make_unique<ApiClient>(server_->url());
  }
  void start_with_device(std::vector<std::string> more = {}) {
    start(std::move(more));
    client_->log_in_and_register();
  }
  bool full() const { return std::string_view(GetParam()) == "full"; }

  Site site_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<ApiClient> client_;
};

INSTANTIATE_TEST_SUITE_P(Profiles, ServerTest, ::testing::Values("full", "stock"),
                         [](const auto& param) { return std::string(param.param); });

TEST_P(ServerTest, StartsAndStopsCleanly) {
  start();
  EXPECT_TRUE(server_->url().starts_with("http://127.0.0.1:"));
  EXPECT_EQ(server_->stop(), 0);
  start();  // over the same state
  EXPECT_EQ(server_->stop(), 0);
}

TEST_P(ServerTest, LogsInWithCookies) {
  start();
  auto reply = client_->login("ann", "secret");
  EXPECT_EQ(reply.status, 200);
  int secure = 0;
  auto [begin, end] = reply.headers.equal_range("set-cookie");
  for (auto cookie = begin; cookie != end; ++cookie)
    secure += cookie->second.find("; Secure") != std::string::npos;
  EXPECT_EQ(secure, 2);
  auto wrong = client_->login("ann", "wrong");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(code_of(wrong), "auth.invalid_credentials");
}

TEST_P(ServerTest, SecondFactor) {
  start();
  auto asked = client_->login("tom", "secret");
  EXPECT_EQ(asked.status, 401);
  EXPECT_EQ(code_of(asked), "auth.totp_required");
  auto code = totp_code("12345678901234567890", std::time(nullptr) / totp_step_seconds);
  EXPECT_EQ(client_->login("tom", "secret", code).status, 200);
  EXPECT_EQ(client_->register_device().status, 201);
}

TEST_P(ServerTest, LimitsLogins) {
  start();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client_->login("ann", "wrong").status, 401);
  auto limited = client_->login("ann", "secret");
  EXPECT_EQ(limited.status, 429);
  EXPECT_GT(std::stoi(limited.header("retry-after")), 0);
  EXPECT_GT(limited.json()["error"]["retryAfterSec"], 0);
}

TEST_P(ServerTest, RegistersWithCsrfTokenOnly) {
  start();
  auto body = json{{"device_name", "x"}, {"device_type", "linux"}}.dump();
  EXPECT_EQ(client_->send_with_session("POST", "devices/register", body).status, 401);
  client_->login("ann", "secret");
  EXPECT_EQ(client_->send_with_session("POST", "devices/register", body, false).status, 403);
  auto made = client_->send_with_session("POST", "devices/register", body);
  EXPECT_EQ(made.status, 201);
  EXPECT_TRUE(made.header("content-type").starts_with(full() ? "application/json" : "text/plain"));
  EXPECT_EQ(client_->send_with_session("POST", "devices/register", R"({"device_name":"x"})").status, 400);
  EXPECT_EQ(client_->send_with_session("POST", "devices/register", "nonsense").status, 400);
  auto toaster = json{{"device_name", "x"}, {"device_type", "toaster"}}.dump();
  EXPECT_EQ(client_->send_with_session("POST", "devices/register", toaster).status, 400);
}

TEST_P(ServerTest, LooksAfterDevices) {
  start_with_device();
  EXPECT_EQ(client_->get("devices").json()["count"], 1);
  auto path = "devices/" + client_->device_id;
  EXPECT_EQ(client_->get(path).json()["device_name"], "laptop");
  EXPECT_EQ(client_->send_json("PATCH", path, {{"device_name", "desk"}}).json()["device_name"], "desk");
  EXPECT_EQ(client_->get("devices/dev_0").status, 404);
  EXPECT_EQ(client_->send("DELETE", path).status, 204);
  EXPECT_EQ(client_->get("devices").status, 401);
}

TEST_P(ServerTest, TwentyDevicesAreEnough) {
  start_with_device();
  for (int i = 1; i < 20; ++i) ASSERT_EQ(client_->register_device().status, 201);
  auto refused = client_->register_device();
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(code_of(refused), "device.limit");
}

TEST_P(ServerTest, TokensAreRenewed) {
  start_with_device();
  auto old_token = client_->device_token;
  auto renewed = client_->send_json("POST", "devices/refresh", {{"refresh_token", client_->refresh_token}});
  ASSERT_EQ(renewed.status, 200);
  EXPECT_EQ(client_->get("shares").status, full() ? 200 : 401) << "the old pair, before the new one is used";
  client_->device_token = renewed.json()["device_token"];
  EXPECT_EQ(client_->get("shares").status, 200);
  client_->device_token = old_token;
  EXPECT_EQ(client_->get("shares").status, 401);
  EXPECT_EQ(client_->send_json("POST", "devices/refresh", {{"refresh_token", client_->refresh_token}}).status,
            401);
}

TEST_P(ServerTest, ExpiredTokensAreRefused) {
  start_with_device({"--device-token-lifetime", "1"});
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  long status = 200;
  while (status == 200 && std::chrono::steady_clock::now() < end) status = client_->get("shares").status;
  EXPECT_EQ(status, 401);
  auto renewed = client_->send_json("POST", "devices/refresh", {{"refresh_token", client_->refresh_token}});
  EXPECT_EQ(renewed.status, 200);
}

TEST_P(ServerTest, DevicesOutliveARestart) {
  start_with_device();
  auto token = client_->device_token;
  server_->stop();
  start();
  client_->device_token = token;
  EXPECT_EQ(client_->get("shares").status, 200);
}

TEST_P(ServerTest, ListsShares) {
  write_file(site_.file("a"), "123");
  start_with_device();
  auto body = client_->get("shares").json();
  EXPECT_EQ(body["count"], 1);
  auto share = body["shares"][0];
  EXPECT_EQ(share["share_id"], "docs");
  EXPECT_EQ(share["share_name"], "Docs");
  EXPECT_EQ(share["file_count"], 1);
  EXPECT_EQ(share["total_size"], 3);
  EXPECT_EQ(share["sync_enabled"], true);
  EXPECT_EQ(share.contains("exclude_patterns"), !full());
}

TEST_P(ServerTest, Capabilities) {
  start_with_device();
  auto reply = client_->get("capabilities");
  if (full()) {
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.json()["protocol"], 1);
    EXPECT_EQ(reply.json()["features"],
              (json{"changes.paged", "changes.wait", "dav.conditional", "dav.mtime"}));
  } else {
    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(reply.body, "");
  }
}

TEST_P(ServerTest, KeepsConfigAndState) {
  start_with_device();
  EXPECT_EQ(client_->get("config").json()["paused"], false);
  EXPECT_EQ(client_->send_json("PUT", "config", {{"paused", true}, {"sync_shares", {"docs"}}}).status, 200);
  EXPECT_EQ(client_->get("config").json()["paused"], true);
  EXPECT_EQ(client_->send_json("PUT", "config", {{"paused", "yes"}}).status, 400);
  EXPECT_EQ(client_->send_json("PUT", "config", {{"device_id", "dev_other"}}).status, 400);
  EXPECT_EQ(client_->send_json("PUT", "state/docs", {{"cursor", "c"}}).status, 200);
  EXPECT_EQ(client_->get("state/docs").json()["cursor"], "c");
  EXPECT_EQ(client_->get("state/nope").status, 404);
}

TEST_P(ServerTest, Metadata) {
  write_file(site_.file("d/a"), "123");
  start_with_device();
  auto row = client_->get("files/docs/metadata?path=d/a").json();
  EXPECT_EQ(row["path"], "d/a");
  EXPECT_EQ(row["size"], 3);
  EXPECT_EQ(row["is_dir"], false);
  EXPECT_EQ(row["mode"].get<unsigned>() & 0777U, 0644U);
  EXPECT_EQ(row.contains("etag"), full());
  EXPECT_EQ(client_->get("files/docs/metadata?path=d").json()["is_dir"], true);
  EXPECT_EQ(client_->get("files/docs/metadata?path=nope").status, 404);
  EXPECT_EQ(client_->get("files/docs/metadata?path=../../etc/passwd").status, 400);
  EXPECT_EQ(client_->get("files/nope/metadata?path=a").status, 404);
  auto rows = client_->send_json("POST", "files/docs/metadata", {{"paths", {"d/a", "nope", "d"}}}).json();
  ASSERT_EQ(rows["files"].size(), 2U) << "what cannot be read is left out silently";
  EXPECT_EQ(client_->send_json("POST", "files/docs/metadata", {{"paths", {1}}}).status, 400);
}

TEST_P(ServerTest, Hashes) {
  write_file(site_.file("a"), std::string(10000, 'x'));
  start_with_device();
  auto reply = client_->send_json("POST", "files/docs/hash", {{"path", "a"}, {"block_size", 4096}});
  ASSERT_EQ(reply.status, 200);
  auto body = reply.json();
  EXPECT_EQ(body["hash"], hex(sha256(std::string(10000, 'x'))));
  EXPECT_EQ(body["block_size"], full() ? 4096 : 4 * 1024 * 1024);
  EXPECT_EQ(body["blocks"].size(), full() ? 3U : 1U);
  EXPECT_EQ(body["blocks"][0]["weak"], adler32(std::string(full() ? 4096 : 10000, 'x')));
  EXPECT_EQ(reply.header("etag").empty(), !full());
  if (!full()) return;
  auto match = "If-Match: " + reply.header("etag");
  EXPECT_EQ(client_->send_json("POST", "files/docs/hash", {{"path", "a"}}, {match}).status, 200);
  write_file(site_.file("a"), "new");
  EXPECT_EQ(client_->send_json("POST", "files/docs/hash", {{"path", "a"}}, {match}).status, 412);
  EXPECT_EQ(client_->send_json("POST", "files/docs/hash", {{"path", "a"}, {"block_size", 1}}).status, 400);
}

TEST_P(ServerTest, RefusesWhatMakesNoSense) {
  start_with_device();
  EXPECT_EQ(client_->get("nope").status, 404);
  auto wrong_method = client_->send("DELETE", "shares");
  EXPECT_EQ(wrong_method.status, 405);
  EXPECT_EQ(wrong_method.header("allow"), "GET");
  EXPECT_EQ(client_->get("changes").status, 400);
  EXPECT_EQ(client_->get("changes?share_id=nope").status, 404);
  EXPECT_EQ(client_->get("changes?share_id=docs&limit=x").status, 400);
  EXPECT_EQ(client_->send("PUT", "config", std::string(100000, ' ')).status, 413);
  EXPECT_EQ(client_->send("PUT", "config", std::string(1000, '[')).status, 400);
  EXPECT_EQ(client_->get("shares").status, 200) << "the connection goes on";
  client_->device_token = "nos_dt_made-up";
  EXPECT_EQ(client_->get("shares").status, 401);
}

TEST_P(ServerTest, ServesFilesByRange) {
  std::string content;
  for (int i = 0; content.size() < 300000; ++i) content += std::to_string(i) + ",";
  write_file(site_.file("d/a b"), content);
  start_with_device();
  auto whole = client_->get("/dav/docs/d/a%20b");
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(whole.body, content);
  auto part = client_->send("GET", "/dav/docs/d/a%20b", {}, {"Range: bytes=100000-199999"});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, content.substr(100000, 100000));
  EXPECT_EQ(client_->send("HEAD", "/dav/docs/d/a%20b").header("content-length"),
            std::to_string(content.size()));
  EXPECT_EQ(client_->get("/dav/docs/%2e%2e/state/lock").status, 400);
  client_->device_token = "";
  auto refused = client_->get("/dav/docs/d/a%20b");
  EXPECT_EQ(refused.status, 401);
  EXPECT_TRUE(refused.header("www-authenticate").starts_with("Basic"));
}

TEST_P(ServerTest, WebDavTakesPasswords) {
  start();
  auto ask = [&](const std::string& credentials) {
    return client_->http().send(
        {"PUT", server_->url() + "/dav/docs/a", {"Authorization: Basic " + base64(credentials)}, "content"});
  };
  EXPECT_EQ(ask("ann:secret").status, 201);
  EXPECT_EQ(read_file(site_.file("a")), "content");
  EXPECT_EQ(ask("ann:wrong").status, 401);
  EXPECT_EQ(ask("tom:secret").status, 401) << "an account with a second factor";
}

TEST_P(ServerTest, CountsRequestsInItsLog) {
  write_file(site_.file("a"), "12345");
  auto log = site_.path("access.log");
  start_with_device({"--access-log", log.string()});
  client_->send("GET", "/dav/docs/a", {}, {"Range: bytes=1-3"});
  auto text = read_file(log);
  text.pop_back();
  auto line = json::parse(text.substr(text.rfind('\n') + 1));
  EXPECT_EQ(line["method"], "GET");
  EXPECT_EQ(line["path"], "/dav/docs/a");
  EXPECT_EQ(line["range"], "bytes=1-3");
  EXPECT_EQ(line["status"], 206);
  EXPECT_EQ(line["bytes"], 3);
  EXPECT_EQ(text.find(client_->device_token), std::string::npos);
}

// --- One profile only ---------------------------------------------------------------------------------

class FullServer : public ServerTest {};
INSTANTIATE_TEST_SUITE_P(Profiles, FullServer, ::testing::Values("full"));

TEST_P(FullServer, FeedsChangesInPages) {
  write_file(site_.file("old"), "1");
  start_with_device();
  auto first = client_->get("changes?share_id=docs").json();
  ASSERT_EQ(first["changes"].size(), 1U);
  EXPECT_EQ(first["changes"][0]["path"], "old");
  auto cursor = first["cursor"].get<std::string>();
  EXPECT_LT(cursor.size(), 64U);
  auto put = client_->send("PUT", "/dav/docs/a", "1");
  ASSERT_EQ(put.status, 201);
  client_->send("MOVE", "/dav/docs/a", {}, {"Destination: " + server_->url() + "/dav/docs/b"});
  client_->send("DELETE", "/dav/docs/old");
  std::vector<json> changes;
  for (bool more = true; more;) {
    auto page =
        client_->get("changes?share_id=docs&limit=1&cursor=" + cursor + "&since_cursor=" + cursor).json();
    for (const auto& change : page["changes"]) changes.push_back(change);
    cursor = page["cursor"];
    more = page["has_more"];
  }
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[0]["type"], "create");
  EXPECT_EQ(changes[0]["etag"], put.header("etag"));
  EXPECT_EQ(std::to_string(changes[0]["seq"].get<int>()), put.header("x-sync-seq"));
  EXPECT_EQ(changes[1]["type"], "rename");
  EXPECT_EQ(changes[1]["old_path"], "a");
  EXPECT_EQ(changes[1]["path"], "b");
  EXPECT_EQ(changes[1]["etag"], put.header("etag"));
  EXPECT_EQ(changes[2]["type"], "delete");
  auto empty = client_->get("changes?share_id=docs&cursor=" + cursor).json();
  EXPECT_EQ(empty["changes"], json::array());
}

TEST_P(FullServer, HoldsTheAnswerUntilSomethingChanges) {
  start_with_device();
  auto cursor = client_->get("changes?share_id=docs&cursor=now").json()["cursor"].get<std::string>();
  auto waiting = std::async(std::launch::async,
                            [&] { return client_->get("changes?share_id=docs&wait=60&cursor=" + cursor); });
  write_file(site_.file("a"), "1");  // on the disk, past the server
  auto page = waiting.get().json();
  ASSERT_GE(page["changes"].size(), 1U);
  EXPECT_EQ(page["changes"][0]["path"], "a");
}

TEST_P(FullServer, StopsWhileSomebodyWaits) {
  start_with_device();
  auto cursor = client_->get("changes?share_id=docs&cursor=now").json()["cursor"].get<std::string>();
  auto waiting = std::async(std::launch::async,
                            [&] { return client_->get("changes?share_id=docs&wait=60&cursor=" + cursor); });
  auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(server_->stop(), 0);
  waiting.get();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

TEST_P(FullServer, CursorsOfOthersHaveExpired) {
  start_with_device();
  auto reply = client_->get("changes?share_id=docs&cursor=eyJhIjoiYiJ9");
  EXPECT_EQ(reply.status, 410);
  EXPECT_EQ(code_of(reply), "cursor.expired");
  EXPECT_EQ(client_->get("changes?share_id=docs&cursor=a&since_cursor=b").status, 400);
}

class StockServer : public ServerTest {};
INSTANTIATE_TEST_SUITE_P(Profiles, StockServer, ::testing::Values("stock"));

TEST_P(StockServer, FeedsWholeSharesAsCursors) {
  write_file(site_.file("a"), "1");
  start_with_device();
  auto page = client_->get("changes?share_id=docs").json();
  ASSERT_EQ(page["changes"].size(), 1U);
  auto cursor = page["cursor"].get<std::string>();
  auto again = client_->get("changes?share_id=docs&cursor=" + cursor).json();
  EXPECT_TRUE(again["changes"].is_null());
  auto ignored = client_->get("changes?share_id=docs&since_cursor=" + cursor).json();
  EXPECT_EQ(ignored["changes"].size(), 1U) << "only the parameter cursor counts";
}

TEST_P(StockServer, BreaksOnLargeCursors) {
  start_with_device();
  auto fits = client_->get("changes?share_id=docs&cursor=" + std::string(1000000, 'A'));
  EXPECT_EQ(fits.status, 400);
  for (std::size_t size : {1100000U, 3000000U}) {
    auto large = client_->get("changes?share_id=docs&cursor=" + std::string(size, 'A'));
    EXPECT_EQ(large.status, 431);
    EXPECT_EQ(large.header("connection"), "close");
  }
  EXPECT_EQ(client_->get("shares").status, 200) << "over a new connection";
}

}  // namespace
}  // namespace refserver::testing

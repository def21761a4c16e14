// The program's bytes on the wire: TLS, faults, interrupted uploads, and how it refuses to start.
#include <gtest/gtest.h>

#include "server_process.hpp"

namespace refserver::testing {
namespace {

using nlohmann::json;

class WireTest : public ::testing::Test {
 protected:
  void start(const std::vector<std::string>& more = {}) {
    server_ = std::make_unique<ServerProcess>(site_.arguments(more));
    client_ = std::make_unique<ApiClient>(server_->url());
  }
  void start_with_faults() {
    faults(json::array());
    start({"--faults", site_.path("faults.json").string()});
    client_->log_in_and_register();
  }
  void faults(const json& rules) {
    write_file(site_.path("new.json"), json{{"rules", rules}}.dump());
    std::filesystem::rename(site_.path("new.json"), site_.path("faults.json"));
  }
  Reply get() { return client_->get("/dav/docs/a"); }

  Site site_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<ApiClient> client_;
};

TEST_F(WireTest, SelfSignedTls) {
  write_file(site_.file("a"), std::string(200000, 'x'));
  start({"--tls-self-signed"});
  ASSERT_TRUE(server_->url().starts_with("https://"));
  EXPECT_EQ(client_->login("ann", "secret").result, CURLE_PEER_FAILED_VERIFICATION);
  auto pin = read_file(site_.path("state/tls/pin"));
  ASSERT_TRUE(pin.starts_with("sha256//"));
  client_->http().pin(pin);
  client_->log_in_and_register();
  EXPECT_EQ(get().body, std::string(200000, 'x'));
  server_->stop();
  start({"--tls-self-signed"});  // the same key again
  client_->http().pin(pin);
  EXPECT_EQ(client_->login("ann", "secret").status, 200);
  client_->http().pin("sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
  ApiClient other(server_->url());
  other.http().pin("sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
  EXPECT_EQ(other.login("ann", "secret").result, CURLE_SSL_PINNEDPUBKEYNOTMATCH);
}

TEST_F(WireTest, AnswersBreakOff) {
  write_file(site_.file("a"), std::string(200000, 'x'));
  start_with_faults();
  faults({{{"reset_after", 150000}, {"count", 1}}});
  auto reset = get();
  EXPECT_NE(reset.result, CURLE_OK);
  EXPECT_LE(reset.body.size(), 150000U);
  faults({{{"close_after", 150000}, {"count", 1}}});
  auto cut = get();
  EXPECT_EQ(cut.result, CURLE_PARTIAL_FILE);
  EXPECT_EQ(cut.body.size(), 150000U);
  EXPECT_EQ(get().body.size(), 200000U);
}

TEST_F(WireTest, LengthsLie) {
  write_file(site_.file("a"), "0123456789");
  start_with_faults();
  faults({{{"content_length", 5}, {"count", 1}}});
  auto less = get();
  EXPECT_EQ(less.header("content-length"), "5");
  EXPECT_EQ(less.body, "01234");
  faults({{{"content_length", 20}, {"count", 1}}});
  auto more = get();
  EXPECT_EQ(more.header("content-length"), "20");
  EXPECT_EQ(more.result, CURLE_PARTIAL_FILE);
  EXPECT_EQ(more.body, "0123456789");
}

TEST_F(WireTest, AnswersGetLost) {
  start_with_faults();
  faults({{{"method", "PUT"}, {"drop", "after"}, {"count", 1}}});
  auto lost = client_->send("PUT", "/dav/docs/a", "content");
  EXPECT_EQ(lost.status, 0);
  EXPECT_EQ(read_file(site_.file("a")), "content") << "performed, but not told";
  faults({{{"method", "PUT"}, {"drop", "before"}, {"count", 1}}});
  EXPECT_EQ(client_->send("PUT", "/dav/docs/a", "other").status, 0);
  EXPECT_EQ(read_file(site_.file("a")), "content");
}

TEST_F(WireTest, UploadsThatBreakOffLeaveNothing) {
  write_file(site_.file("a"), "before");
  start_with_faults();
  faults({{{"method", "PUT"}, {"upload_reset_after", 100000}}});
  auto broken = client_->send("PUT", "/dav/docs/a", std::string(1000000, 'x'));
  EXPECT_NE(broken.result, CURLE_OK);
  faults(json::array());
  EXPECT_EQ(get().body, "before");
  auto entries = std::distance(std::filesystem::directory_iterator(site_.share()), {});
  EXPECT_EQ(entries, 1);
}

TEST_F(WireTest, RefusesBodiesBeforeTheyAreSent) {
  start();
  client_->log_in_and_register();
  std::string large(20 * 1024 * 1024, 'x');
  client_->device_token = "nos_dt_made-up";
  auto refused =
      client_->http().send({"PUT", server_->url() + "/dav/docs/a", {"Expect: 100-continue"}, large});
  EXPECT_EQ(refused.result, CURLE_OK);
  EXPECT_EQ(refused.status, 401);
}

TEST_F(WireTest, StatusesDelaysAndSilence) {
  start_with_faults();
  faults(
      {{{"status", 503}, {"headers", {{"Retry-After", "2"}}}, {"body", "<html>busy</html>"}, {"count", 1}}});
  auto busy = client_->get("shares");
  EXPECT_EQ(busy.status, 503);
  EXPECT_EQ(busy.header("retry-after"), "2");
  EXPECT_EQ(busy.body, "<html>busy</html>");
  faults({{{"delay_ms", 300}, {"count", 1}}});
  EXPECT_GE(client_->get("shares").seconds_to_first_byte, 0.3);
}

TEST_F(WireTest, MistakesInArgumentsAreNamed) {
  auto none = run_to_the_end({});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_NE(none.output.find("--listen"), std::string::npos);
  auto help = run_to_the_end({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_NE(help.output.find("--share NAME=DIR[:ro]"), std::string::npos);
  start();
  auto second = run_to_the_end(site_.arguments());
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_NE(second.output.find("in use by another server"), std::string::npos);
  Site other;
  auto arguments = other.arguments();
  arguments[1] = server_->url().substr(std::string_view("http://").size());
  auto taken = run_to_the_end(arguments);
  EXPECT_EQ(taken.exit_code, 1);
  EXPECT_NE(taken.output.find("cannot listen"), std::string::npos);
  auto inside = other.arguments();
  inside[3] = other.file("state").string();
  EXPECT_NE(run_to_the_end(inside).output.find("must not lie inside"), std::string::npos);
}

}  // namespace
}  // namespace refserver::testing

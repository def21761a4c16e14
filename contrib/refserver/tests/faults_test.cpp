// Fault scripts: reading them, and which request meets which rule.
#include "../src/faults.hpp"

#include <gtest/gtest.h>

#include "temp_dir.hpp"

namespace refserver {
namespace {

class Echo final : public Exchange {
 public:
  bool write(std::span<const std::byte>) override { return true; }
  Response finish() override {
    Response response;
    response.body = "performed";
    return response;
  }
};

class FaultsTest : public ::testing::Test {
 protected:
  void script(std::string_view text) {
    // Replaced by rename, as the documentation asks for: the next request sees it.
    testing::write_file(dir_ / "new", text);
    std::filesystem::rename(dir_ / "new", dir_ / "faults.json");
    if (faults_) return;
    auto loaded = Faults::load(dir_ / "faults.json");
    ASSERT_TRUE(loaded) << loaded.error();
    faults_ = std::move(*loaded);
  }

  Response ask(std::string method, std::string path, Headers headers = {}) {
    Request request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.headers = std::move(headers);
    auto exchange = faults_->open(request, [](const Request&) { return std::make_unique<Echo>(); });
    if (auto refused = exchange->refuse()) return std::move(*refused);
    return exchange->finish();
  }
  int status(std::string method, std::string path, Headers headers = {}) {
    return ask(std::move(method), std::move(path), std::move(headers)).status;
  }

  testing::TempDir dir_;
  std::unique_ptr<Faults> faults_;
};

TEST_F(FaultsTest, MatchesMethodPathAndRange) {
  script(R"({"rules":[{"method":"GET","path":"/dav/*.bin","range":true,"status":503}]})");
  Headers range{{"Range", "bytes=0-1"}};
  EXPECT_EQ(status("GET", "/dav/docs/a.bin", range), 503);
  EXPECT_EQ(status("GET", "/dav/docs/a.bin"), 200);
  EXPECT_EQ(status("HEAD", "/dav/docs/a.bin", range), 200);
  EXPECT_EQ(status("GET", "/dav/docs/a.txt", range), 200);
}

TEST_F(FaultsTest, SkipsAndCounts) {
  script(
      R"({"rules":[{"skip":1,"count":2,"status":500},{"nth":2,"status":429,"headers":{"Retry-After":"7"}}]})");
  EXPECT_EQ(status("GET", "/"), 200);
  EXPECT_EQ(status("GET", "/"), 500);
  EXPECT_EQ(status("GET", "/"), 500);
  auto limited = ask("GET", "/");
  EXPECT_EQ(limited.status, 429) << "requests that the first rule took do not count for the second";
  EXPECT_EQ(limited.headers.get("retry-after"), "7");
  EXPECT_EQ(status("GET", "/"), 200);
}

TEST_F(FaultsTest, BodiesRedirectsAndGarbage) {
  script(R"({"rules":[{"nth":1,"body":"<html>","headers":{"Content-Type":"text/html"}},
                       {"nth":1,"body_bytes":1000},{"nth":1,"redirect":"http://127.0.0.1:1/x"}]})");
  auto page = ask("GET", "/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(std::get<std::string>(page.body), "<html>");
  EXPECT_EQ(std::get<std::string>(ask("GET", "/").body).size(), 1000U);
  auto redirect = ask("GET", "/");
  EXPECT_EQ(redirect.status, 307);
  EXPECT_EQ(redirect.headers.get("location"), "http://127.0.0.1:1/x");
}

TEST_F(FaultsTest, WireFaultsKeepTheRealAnswer) {
  script(R"({"rules":[{"nth":1,"reset_after":4},{"nth":1,"close_after":5},{"nth":1,"content_length":3},
                       {"nth":1,"drop":"after"},{"nth":1,"drop":"before","reset":true}]})");
  auto reset = ask("GET", "/");
  EXPECT_EQ(std::get<std::string>(reset.body), "performed");
  EXPECT_EQ(reset.wire_fault->cut_after, 4U);
  EXPECT_TRUE(reset.wire_fault->reset);
  auto shortened = ask("GET", "/");
  EXPECT_EQ(shortened.wire_fault->cut_after, 5U);
  EXPECT_FALSE(shortened.wire_fault->reset);
  EXPECT_EQ(ask("GET", "/").wire_fault->announce, 3U);
  EXPECT_TRUE(ask("GET", "/").wire_fault->no_answer);
  auto dropped = ask("GET", "/");
  EXPECT_TRUE(dropped.wire_fault->no_answer);
  EXPECT_TRUE(dropped.wire_fault->reset);
}

TEST_F(FaultsTest, UploadsBreakOff) {
  script(R"({"rules":[{"upload_reset_after":10}]})");
  Request request;
  auto exchange = faults_->open(request, [](const Request&) { return std::make_unique<Echo>(); });
  ASSERT_FALSE(exchange->refuse());
  std::string piece(8, 'x');
  EXPECT_TRUE(exchange->write(std::as_bytes(std::span(piece))));
  EXPECT_FALSE(exchange->breaks_off());
  EXPECT_FALSE(exchange->write(std::as_bytes(std::span(piece))));
  EXPECT_TRUE(exchange->breaks_off());
}

TEST_F(FaultsTest, ANewScriptCountsAfreshAndABrokenOneChangesNothing) {
  script(R"({"rules":[{"nth":1,"status":500}]})");
  EXPECT_EQ(status("GET", "/"), 500);
  EXPECT_EQ(status("GET", "/"), 200);
  script(R"({"rules":[{"nth":1,"status":502}]})");
  EXPECT_EQ(status("GET", "/"), 502);
  script(R"({"rules":[{"status":503}]})");
  EXPECT_EQ(status("GET", "/"), 503);
  script("{");
  EXPECT_EQ(status("GET", "/"), 503);
}

TEST_F(FaultsTest, SilenceEndsWithTheServer) {
  script(R"({"rules":[{"silence":true}]})");
  faults_->stop();
  EXPECT_TRUE(ask("GET", "/").wire_fault->no_answer);
}

TEST(FaultScript, MistakesAreNamed) {
  EXPECT_EQ(parse_faults(R"({"rules":[{"status":500},{"stauts":1}]})").error(),
            "rule 2: unknown member \"stauts\"");
  EXPECT_FALSE(parse_faults(R"({"rules":[{"status":99}]})"));
  EXPECT_FALSE(parse_faults(R"({"rules":[{"delay_ms":"1"}]})"));
  EXPECT_FALSE(parse_faults(R"({"rules":[{"drop":"sometimes"}]})"));
  EXPECT_FALSE(parse_faults("[]"));
  EXPECT_FALSE(parse_faults("nonsense"));
}

}  // namespace
}  // namespace refserver

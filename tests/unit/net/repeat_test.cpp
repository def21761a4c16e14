// What is sent again, and what never is.
#include <atomic>

#include "net_fixture.hpp"

namespace nithronfs::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The first `failures` answers are `bad`, the others good.
class Flaky {
 public:
  Flaky(int failures, ScriptReply bad) : left_(failures), bad_(std::move(bad)) {}
  ScriptReply operator()(const ScriptRequest&) { return left_-- > 0 ? bad_ : ScriptReply::ok("good"); }

 private:
  std::atomic<int> left_;
  const ScriptReply bad_;
};

HttpScriptServer::Handler flaky(int failures, ScriptReply bad) {
  const auto script = std::make_shared<Flaky>(failures, std::move(bad));
  return [script](const ScriptRequest& request) { return (*script)(request); };
}

TEST_F(NetTest, BusyAnswersAreRepeatedUnseen) {
  for (const int status : {429, 502, 503, 504}) {
    HttpScriptServer server(flaky(2, ScriptReply::status(status, "busy")));
    const auto client = make_client();
    const auto receiver = std::make_shared<RecordingReceiver>();
    client->start(Request{.url = server.url("/")}, receiver);
    ASSERT_OK(receiver->wait());
    EXPECT_EQ(receiver->head().status, 200);
    EXPECT_EQ(receiver->heads(), 1);
    EXPECT_EQ(receiver->body(), "good");
    EXPECT_EQ(server.request_count(), 3U);
  }
}

TEST_F(NetTest, OtherFailuresAreNotRepeated) {
  for (const int status : {400, 401, 403, 404, 500, 501, 507}) {
    HttpScriptServer server(flaky(1, ScriptReply::status(status, "no")));
    const auto client = make_client();
    const auto response = get(*client, server.url("/"));
    ASSERT_OK(response);
    EXPECT_EQ(response->head.status, status);
    EXPECT_EQ(server.request_count(), 1U);
  }
}

TEST_F(NetTest, AServerThatStaysBusyIsBelievedInTheEnd) {
  HttpScriptServer server(flaky(1000, ScriptReply::status(503, "down for good")));
  const auto client = make_client();
  const auto response = get(*client, Request{.url = server.url("/"), .deadline = milliseconds(300)});
  // Either the last answer, or the deadline passed within the last attempt.
  if (response) {
    EXPECT_EQ(response->head.status, 503);
    EXPECT_EQ(response->body, "down for good");
  } else {
    EXPECT_FAILS(response, Errc::timed_out);
  }
  EXPECT_GT(server.request_count(), 1U);
}

TEST_F(NetTest, WhatIsNotRepeatableIsSentOnce) {
  HttpScriptServer server(flaky(1, ScriptReply::status(503, "busy")));
  const auto client = make_client();
  const auto response = get(*client, Request{.method = "POST", .url = server.url("/"), .repeatable = false});
  ASSERT_OK(response);
  EXPECT_EQ(response->head.status, 503);
  EXPECT_EQ(server.request_count(), 1U);
}

TEST_F(NetTest, RetryAfterIsWaitedFor) {
  HttpScriptServer server(flaky(1, ScriptReply::status(503, "busy", {{"Retry-After", "1"}})));
  const auto client = make_client();
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_OK(get(*client, server.url("/")));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(990));
  EXPECT_EQ(server.request_count(), 2U);
}

TEST_F(NetTest, ARetryAfterBeyondTheDeadlineIsNotWaitedFor) {
  HttpScriptServer server(flaky(1, ScriptReply::status(429, "busy", {{"Retry-After", "3600"}})));
  const auto client = make_client();
  const auto response = get(*client, Request{.url = server.url("/"), .deadline = seconds(30)});
  ASSERT_OK(response);  // at once, so that it can be reported
  EXPECT_EQ(response->head.status, 429);
  EXPECT_EQ(response->head.find("Retry-After"), "3600");
  EXPECT_EQ(server.request_count(), 1U);
}

TEST_F(NetTest, AConnectionThatBreaksBeforeTheAnswerIsTriedAgain) {
  HttpScriptServer server(flaky(2, ScriptReply().then_reset()));
  const auto client = make_client();
  const auto response = get(*client, server.url("/"));
  ASSERT_OK(response);
  EXPECT_EQ(response->body, "good");
  EXPECT_EQ(server.request_count(), 3U);
}

TEST_F(NetTest, AnAnswerCutBeforeItsFirstByteIsTriedAgain) {
  HttpScriptServer server(
      flaky(1, ScriptReply::raw("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n").then_close()));
  const auto client = make_client();
  const auto receiver = std::make_shared<RecordingReceiver>();
  client->start(Request{.url = server.url("/")}, receiver);
  ASSERT_OK(receiver->wait());
  EXPECT_EQ(receiver->heads(), 1);
  EXPECT_EQ(receiver->body(), "good");
}

// libcurl by itself repeats any request whose reused connection turns out dead, a MOVE as well.
TEST_F(NetTest, AChangeIsNotRepeatedOnADeadReusedConnection) {
  HttpScriptServer server([](const ScriptRequest& request) {
    return request.method == "GET" ? ScriptReply::ok("x") : ScriptReply().then_close();
  });
  const auto client = make_client();
  ASSERT_OK(get(*client, server.url("/")));
  const auto response = get(*client, Request{.method = "MOVE", .url = server.url("/"), .repeatable = false});
  EXPECT_FAILS(response, Errc::offline);
  EXPECT_NE(response.error().message.find("not known"), std::string::npos);
  EXPECT_EQ(server.request_count(), 2U);
}

TEST_F(NetTest, CancellingWorksDuringAPause) {
  HttpScriptServer server(flaky(1000, ScriptReply::status(503, "busy", {{"Retry-After", "60"}})));
  const auto client = make_client();
  const auto receiver = std::make_shared<RecordingReceiver>();
  const CallId call = client->start(Request{.url = server.url("/")}, receiver);
  ASSERT_TRUE(server.wait_for_requests(1, kPatience));
  client->cancel(call);
  EXPECT_FAILS(receiver->wait(), Errc::cancelled);
}

TEST_F(NetTest, ANetworkChangeEndsAPause) {
  HttpScriptServer server(flaky(1, ScriptReply::status(503, "", {{"Retry-After", "60"}})));
  const auto client = make_client();
  const auto receiver = std::make_shared<RecordingReceiver>();
  client->start(Request{.url = server.url("/")}, receiver);
  ASSERT_TRUE(server.wait_for_requests(1, kPatience));
  // The pause begins when the answer has been read, which nothing shows: a change that came too early is
  // repeated.
  while (!server.wait_for_requests(2, milliseconds(20))) client->network_changed();
  ASSERT_OK(receiver->wait());
}

}  // namespace
}  // namespace nithronfs::net

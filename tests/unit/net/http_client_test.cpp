// Requests and answers as they should be, and connections that are used again.
#include "net_fixture.hpp"

namespace nithronfs::net {
namespace {

TEST_F(NetTest, GetsABodyAndItsHead) {
  HttpScriptServer server(
      [](const ScriptRequest&) { return ScriptReply::ok("hello", {{"ETag", "\"v1\""}}); });
  const auto client = make_client();
  const auto response = get(*client, server.url("/a%2Fb?c=d"));
  ASSERT_OK(response);
  EXPECT_EQ(response->head.status, 200);
  EXPECT_EQ(response->head.find("etag"), "\"v1\"");
  EXPECT_EQ(response->body, "hello");
  EXPECT_EQ(server.requests().at(0).method, "GET");
  EXPECT_EQ(server.requests().at(0).target, "/a%2Fb?c=d");
}

TEST_F(NetTest, SendsWhatWasAskedAndNothingElse) {
  HttpScriptServer server([](const ScriptRequest&) { return ScriptReply::status(207, "<x/>"); });
  const auto client = make_client();
  const auto response = get(*client, Request{.method = "PROPFIND",
                                             .url = server.url("/dav/../x"),
                                             .headers = {{"Depth", "1"}, {"Content-Type", "application/xml"}},
                                             .body = "<propfind/>"});
  ASSERT_OK(response);
  const ScriptRequest seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "PROPFIND");
  EXPECT_EQ(seen.target, "/dav/../x");  // not tidied up behind our back
  EXPECT_EQ(seen.header("Depth"), "1");
  EXPECT_EQ(seen.header("Content-Type"), "application/xml");
  EXPECT_EQ(seen.body, "<propfind/>");
  EXPECT_EQ(seen.header("Accept-Encoding"), "");
  EXPECT_EQ(seen.header("Cookie"), "");
  EXPECT_EQ(seen.header("Expect"), "");
  EXPECT_TRUE(seen.header("User-Agent").starts_with("nithronfs/"));
}

TEST_F(NetTest, MethodsDoNotLeakIntoTheNextRequest) {
  HttpScriptServer server([](const ScriptRequest&) { return ScriptReply::ok("x"); });
  const auto client = make_client();
  ASSERT_OK(
      get(*client, Request{.method = "POST", .url = server.url("/1"), .body = "abc", .repeatable = false}));
  ASSERT_OK(get(*client, Request{.method = "HEAD", .url = server.url("/2")}));
  ASSERT_OK(get(*client, Request{.method = "DELETE", .url = server.url("/3"), .repeatable = false}));
  ASSERT_OK(get(*client, Request{.method = "PUT", .url = server.url("/4"), .repeatable = false}));
  ASSERT_OK(get(*client, Request{.url = server.url("/5")}));
  const auto seen = server.requests();
  ASSERT_EQ(seen.size(), 5U);
  EXPECT_EQ(seen[0].body, "abc");
  EXPECT_EQ(seen[0].header("Content-Type"), "");
  EXPECT_EQ(seen[1].method, "HEAD");
  EXPECT_EQ(seen[2].method, "DELETE");
  EXPECT_EQ(seen[2].header("Content-Length"), "");
  EXPECT_EQ(seen[3].header("Content-Length"), "0");
  EXPECT_EQ(seen[4].method, "GET");
  EXPECT_EQ(seen[4].body, "");
}

TEST_F(NetTest, CookiesAreNotKept) {
  HttpScriptServer server([](const ScriptRequest&) { return ScriptReply::ok("x", {{"Set-Cookie", "a=b"}}); });
  const auto client = make_client();
  ASSERT_OK(get(*client, server.url("/1")));
  ASSERT_OK(get(*client, server.url("/2")));
  EXPECT_EQ(server.requests().at(1).header("Cookie"), "");
}

TEST_F(NetTest, OneConnectionServesRequestsInTurn) {
  HttpScriptServer server([](const ScriptRequest&) { return ScriptReply::ok("x"); });
  const auto client = make_client();
  for (int i = 0; i < 10; ++i) ASSERT_OK(get(*client, server.url("/")));
  EXPECT_EQ(server.connection_count(), 1U);
  EXPECT_EQ(client->counters().connections, 1U);
  EXPECT_EQ(client->counters().requests, 10U);
  EXPECT_EQ(client->counters().bytes_received, 10U);
}

TEST_F(NetTest, AChunkedBodyAndItsTrailersArrive) {
  HttpScriptServer server([](const ScriptRequest&) {
    return ScriptReply::raw(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Late: 1\r\n\r\n");
  });
  const auto client = make_client();
  const auto response = get(*client, server.url("/"));
  ASSERT_OK(response);
  EXPECT_EQ(response->body, "abcde");
  EXPECT_EQ(response->head.find("X-Late"), std::nullopt);
}

TEST_F(NetTest, InterimAnswersDoNotShow) {
  HttpScriptServer server([](const ScriptRequest&) {
    return ScriptReply::raw(
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  });
  const auto client = make_client();
  const auto receiver = std::make_shared<RecordingReceiver>();
  client->start(Request{.url = server.url("/")}, receiver);
  ASSERT_OK(receiver->wait());
  EXPECT_EQ(receiver->heads(), 1);
  EXPECT_EQ(receiver->head().status, 200);
  EXPECT_EQ(receiver->head().find("Link"), std::nullopt);
}

TEST_F(NetTest, BytesAreHandedOnAsTheyArrive) {
  const auto gate = std::make_shared<Gate>();
  HttpScriptServer server([gate](const ScriptRequest&) {
    auto reply = ScriptReply::raw("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    return reply.then_wait_for(gate).then_send("def");
  });
  const auto client = make_client();
  const auto receiver = std::make_shared<RecordingReceiver>();
  client->start(Request{.url = server.url("/")}, receiver);
  EXPECT_TRUE(receiver->wait_for_bytes(3));  // the server holds the rest back
  EXPECT_FALSE(receiver->done());
  gate->open();
  ASSERT_OK(receiver->wait());
  EXPECT_EQ(receiver->body(), "abcdef");
}

TEST_F(NetTest, AnErrorStatusIsASuccessfulTransfer) {
  HttpScriptServer server([](const ScriptRequest&) { return ScriptReply::status(404, "gone"); });
  const auto client = make_client();
  const auto response = get(*client, server.url("/"));
  ASSERT_OK(response);
  EXPECT_EQ(response->head.status, 404);
  EXPECT_EQ(response->body, "gone");
}

TEST_F(NetTest, RefusesWhatMustNotBeSent) {
  const auto client = make_client();
  EXPECT_FAILS(get(*client, "http://192.0.2.1/"), Errc::permission);
  EXPECT_FAILS(get(*client, "ftp://127.0.0.1/"), Errc::invalid_argument);
  EXPECT_FAILS(get(*client, "file:///etc/passwd"), Errc::invalid_argument);
  EXPECT_FAILS(get(*client, "https://user:secret@127.0.0.1/"), Errc::invalid_argument);
  EXPECT_FAILS(get(*client, "not a url"), Errc::invalid_argument);
  EXPECT_FAILS(get(*client, Request{.method = "GET / HTTP/1.1\r\nX:", .url = "http://127.0.0.1/"}),
               Errc::invalid_argument);
  EXPECT_FAILS(get(*client, Request{.url = "http://127.0.0.1/", .headers = {{"If-Match", "\"a\"\r\nX: y"}}}),
               Errc::invalid_argument);
  EXPECT_EQ(client->counters().requests, 0U);
}

// The environment's proxy, for as long as the test needs it.
class ProxyVariable {
 public:
  explicit ProxyVariable(const std::string& url) { setenv("http_proxy", url.c_str(), 1); }
  ProxyVariable(const ProxyVariable&) = delete;
  ProxyVariable& operator=(const ProxyVariable&) = delete;
  ~ProxyVariable() { unsetenv("http_proxy"); }
};

TEST_F(NetTest, WhatIsMeantForThisMachineDoesNotGoThroughAProxy) {
  HttpScriptServer proxy([](const ScriptRequest&) { return ScriptReply::ok("seen by the proxy"); });
  HttpScriptServer server([](const ScriptRequest&) { return ScriptReply::ok("direct"); });
  const ProxyVariable variable(proxy.url());
  const auto client = make_client(ClientOptions{.insecure = true});
  EXPECT_EQ(get(*client, server.url("/"))->body, "direct");
  EXPECT_EQ(proxy.connection_count(), 0U);
  // The same client does use it where it is allowed to.
  EXPECT_EQ(get(*client, "http://nas.invalid/")->body, "seen by the proxy");
  EXPECT_EQ(get(*client, server.url("/"))->body, "direct");
}

TEST_F(NetTest, FetchBoundsTheBody) {
  HttpScriptServer server([](const ScriptRequest&) { return ScriptReply::ok(std::string(1000, 'x')); });
  const auto client = make_client();
  EXPECT_FAILS(nithronfs::testing::wait_for(fetch(*client, Request{.url = server.url("/")}, 999)),
               Errc::too_large);
  ASSERT_OK(nithronfs::testing::wait_for(fetch(*client, Request{.url = server.url("/")}, 1000)));
}

TEST_F(NetTest, TwoThousandRequestsAtOnceAllEnd) {
  HttpScriptServer server([](const ScriptRequest& request) { return ScriptReply::ok(request.target); });
  const auto client = make_client();
  std::vector<std::shared_ptr<RecordingReceiver>> receivers;
  for (int i = 0; i < 2000; ++i) {
    receivers.push_back(std::make_shared<RecordingReceiver>());
    client->start(Request{.url = server.url("/" + std::to_string(i)), .priority = Priority(i % 3)},
                  receivers.back());
  }
  for (std::size_t i = 0; i < receivers.size(); ++i) {
    ASSERT_OK(receivers[i]->wait());
    EXPECT_EQ(receivers[i]->body(), "/" + std::to_string(i));
    EXPECT_EQ(receivers[i]->dones(), 1);
  }
  EXPECT_LE(server.connection_count(), 16U);
}

}  // namespace
}  // namespace nithronfs::net

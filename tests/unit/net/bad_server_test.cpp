// Answers that are wrong, cut, slow or endless end with the right error, in time, and are never taken for
// whole.
#include "net_fixture.hpp"

namespace nithronfs::net {
namespace {

using std::chrono::milliseconds;

class BadServerTest : public NetTest {
 protected:
  // What one GET of an answer of exactly these bytes, then `end`, comes to.
  Result<Response> get_raw(const std::string& bytes, ScriptReply& (ScriptReply::*end)()) {
    HttpScriptServer server([&](const ScriptRequest&) {
      auto reply = ScriptReply::raw(bytes);
      return (reply.*end)();
    });
    const auto client = make_client();
    return get(*client, Request{.url = server.url("/"), .repeatable = false, .deadline = kPatience});
  }
};

TEST_F(BadServerTest, ABodyShorterThanAnnouncedIsAnError) {
  EXPECT_FAILS(get_raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", &ScriptReply::then_close),
               Errc::protocol);
}

TEST_F(BadServerTest, AResetWithinTheBodyIsAnError) {
  // The client may see the reset before the bytes: then there is no answer at all.
  const auto gate = std::make_shared<Gate>();
  HttpScriptServer server([gate](const ScriptRequest&) {
    auto reply = ScriptReply::raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    return reply.then_wait_for(gate).then_reset();
  });
  const auto client = make_client();
  const auto receiver = std::make_shared<RecordingReceiver>();
  client->start(Request{.url = server.url("/")}, receiver);
  ASSERT_TRUE(receiver->wait_for_bytes(3));
  gate->open();
  EXPECT_FAILS(receiver->wait(), Errc::offline);
  EXPECT_EQ(server.request_count(), 1U);  // bytes were handed on: never again
  EXPECT_EQ(receiver->heads(), 1);
}

TEST_F(BadServerTest, AChunkedBodyWithoutItsEndIsAnError) {
  EXPECT_FAILS(
      get_raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", &ScriptReply::then_close),
      Errc::protocol);
}

TEST_F(BadServerTest, ABadChunkIsAnError) {
  EXPECT_FAILS(get_raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
                       &ScriptReply::then_close),
               Errc::protocol);
}

TEST_F(BadServerTest, ABodyOfUnknownLengthIsAnError) {
  EXPECT_FAILS(get_raw("HTTP/1.1 200 OK\r\n\r\nabc", &ScriptReply::then_close), Errc::protocol);
}

TEST_F(BadServerTest, AnErrorAnswerOfUnknownLengthIsUnderstood) {
  const auto response =
      get_raw("HTTP/1.1 431 Request Header Fields Too Large\r\n\r\ntoo much", &ScriptReply::then_close);
  ASSERT_OK(response);
  EXPECT_EQ(response->head.status, 431);
  EXPECT_EQ(response->body, "too much");
}

TEST_F(BadServerTest, GarbageIsNotHttp) {
  EXPECT_FAILS(get_raw(std::string("\x00\x01\x02garbage\r\n\r\n", 14), &ScriptReply::then_close),
               Errc::protocol);
  EXPECT_FAILS(get_raw("HTTP/1.1 abc\r\n\r\n", &ScriptReply::then_close), Errc::protocol);
}

TEST_F(BadServerTest, AClosedConnectionIsNoAnswer) {
  EXPECT_FAILS(get_raw("", &ScriptReply::then_close), Errc::offline);
  EXPECT_FAILS(get_raw("", &ScriptReply::then_reset), Errc::offline);
}

TEST_F(BadServerTest, AnEndlessHeadIsCutOff) {
  HttpScriptServer server([](const ScriptRequest&) {
    return ScriptReply::raw("HTTP/1.1 200 OK\r\n")
        .then_repeat("X-Filler: " + std::string(1000, 'x') + "\r\n");
  });
  const auto client = make_client();
  EXPECT_FAILS(get(*client, server.url("/")), Errc::protocol);
}

TEST_F(BadServerTest, ManyInterimAnswersAreCutOff) {
  HttpScriptServer server([](const ScriptRequest&) {
    return ScriptReply().then_repeat("HTTP/1.1 103 Early Hints\r\nLink: y\r\n\r\n");
  });
  const auto client = make_client();
  EXPECT_FAILS(get(*client, server.url("/")), Errc::protocol);
}

TEST_F(BadServerTest, SilenceEndsAtTheStallTime) {
  HttpScriptServer server([](const ScriptRequest&) { return ScriptReply::silent(); });
  const auto client = make_client(ClientOptions{.stall_timeout = milliseconds(50)});
  EXPECT_FAILS(get(*client, server.url("/")), Errc::timed_out);
}

TEST_F(BadServerTest, SilenceWithinTheBodyEndsAtTheStallTimeOfTheRequest) {
  HttpScriptServer server([](const ScriptRequest&) {
    return ScriptReply::raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").then_silence();
  });
  const auto client = make_client();
  EXPECT_FAILS(get(*client, Request{.url = server.url("/"), .stall = milliseconds(50)}), Errc::timed_out);
}

TEST_F(BadServerTest, ADripEndsAtTheDeadline) {
  HttpScriptServer server([](const ScriptRequest&) {
    return ScriptReply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        .then_repeat("1\r\nx\r\n");
  });
  const auto client = make_client();
  const auto receiver = std::make_shared<RecordingReceiver>();
  client->start(Request{.url = server.url("/"), .deadline = milliseconds(100)}, receiver);
  EXPECT_FAILS(receiver->wait(), Errc::timed_out);
}

TEST_F(BadServerTest, ANobodyThereFailsSoonAndIsRemembered) {
  std::uint16_t port = 0;
  {
    HttpScriptServer server([](const ScriptRequest&) { return ScriptReply::ok(); });
    port = server.port();
  }
  const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/";
  const auto client = make_client();
  const auto first = get(*client, url);
  EXPECT_FAILS(first, Errc::offline);
  EXPECT_NE(first.error().message.find("127.0.0.1:" + std::to_string(port)), std::string::npos);
  EXPECT_FAILS(get(*client, url), Errc::offline);
  EXPECT_EQ(client->counters().requests, 0U);
}

}  // namespace
}  // namespace nithronfs::net

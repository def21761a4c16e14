// Pausing, resuming, cancelling, priorities and shutting down.
#include "net_fixture.hpp"

namespace nithronfs::net {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

std::vector<std::shared_ptr<RecordingReceiver>> start_many(HttpClient& client, const std::string& url,
                                                           Priority priority, int count) {
  std::vector<std::shared_ptr<RecordingReceiver>> receivers;
  for (int i = 0; i < count; ++i) {
    receivers.push_back(std::make_shared<RecordingReceiver>());
    client.start(Request{.url = url, .priority = priority}, receivers.back());
  }
  return receivers;
}

TEST_F(NetTest, APausedTransferHandsOnNothingUntilItIsResumed) {
  const std::string content(8 * kMiB, 'x');
  HttpScriptServer server([&](const ScriptRequest& request) {
    return request.target == "/big" ? ScriptReply::ok(content) : ScriptReply::ok("small");
  });
  const auto client = make_client();
  const auto receiver = std::make_shared<RecordingReceiver>();
  receiver->flow = [](std::size_t) { return Flow::pause; };  // after every piece
  const CallId call = client->start(Request{.url = server.url("/big")}, receiver);
  std::size_t seen = 0;
  while (!receiver->done()) {
    ASSERT_TRUE(receiver->wait_for_bytes(seen + 1) || receiver->done());
    seen = receiver->body().size();
    // Another request makes a full round through the net thread: nothing more has come meanwhile.
    if (seen < kMiB) {
      ASSERT_OK(get(*client, server.url("/small")));
      ASSERT_EQ(receiver->body().size(), seen);
    }
    if (seen == content.size()) break;
    client->resume(call);
  }
  ASSERT_OK(receiver->wait());
  EXPECT_EQ(receiver->body(), content);
}

TEST_F(NetTest, APauseDoesNotCountAsSilence) {
  HttpScriptServer server([](const ScriptRequest&) { return ScriptReply::ok(std::string(4 * kMiB, 'x')); });
  const auto client = make_client(ClientOptions{.stall_timeout = std::chrono::milliseconds(30)});
  const auto receiver = std::make_shared<RecordingReceiver>();
  receiver->flow = [first = true](std::size_t) mutable {
    return std::exchange(first, false) ? Flow::pause : Flow::proceed;
  };
  const CallId call = client->start(Request{.url = server.url("/")}, receiver);
  ASSERT_TRUE(receiver->wait_for_bytes(1));
  // A second request to a silent server takes longer than the stall time by definition.
  HttpScriptServer silent([](const ScriptRequest&) { return ScriptReply::silent(); });
  EXPECT_FAILS(get(*client, silent.url("/")), Errc::timed_out);
  EXPECT_FAILS(get(*client, silent.url("/")), Errc::timed_out);
  EXPECT_FALSE(receiver->done());
  client->resume(call);
  ASSERT_OK(receiver->wait());
  EXPECT_EQ(receiver->body().size(), 4 * kMiB);
}

TEST_F(NetTest, AReceiverCanEndATransfer) {
  HttpScriptServer server([](const ScriptRequest&) { return ScriptReply::ok(std::string(4 * kMiB, 'x')); });
  const auto client = make_client();
  const auto receiver = std::make_shared<RecordingReceiver>();
  receiver->flow = [](std::size_t) { return Flow::stop; };
  client->start(Request{.url = server.url("/")}, receiver);
  EXPECT_FAILS(receiver->wait(), Errc::cancelled);
  EXPECT_LT(receiver->body().size(), 4 * kMiB);
  EXPECT_EQ(server.request_count(), 1U);
}

TEST_F(NetTest, CancellingEndsACallInEveryState) {
  const auto gate = std::make_shared<Gate>();
  HttpScriptServer server(
      [gate](const ScriptRequest&) { return ScriptReply().then_wait_for(gate).then_close(); });
  const auto client = make_client(ClientOptions{.max_connections = 2});
  std::vector<std::pair<CallId, std::shared_ptr<RecordingReceiver>>> calls;
  for (int i = 0; i < 4; ++i) {  // two on the wire, two waiting
    auto receiver = std::make_shared<RecordingReceiver>();
    const CallId id = client->start(Request{.url = server.url("/"), .repeatable = false}, receiver);
    calls.emplace_back(id, receiver);
  }
  ASSERT_TRUE(server.wait_for_requests(2, kPatience));
  // The waiting ones first, or they would get the places of the others.
  for (auto call = calls.rbegin(); call != calls.rend(); ++call) client->cancel(call->first);
  for (auto& [id, receiver] : calls) {
    EXPECT_FAILS(receiver->wait(), Errc::cancelled);
    client->cancel(id);  // once more does nothing
  }
  // A refused start comes after the cancels: all of them have been seen.
  EXPECT_FAILS(get(*client, "not a url"), Errc::invalid_argument);
  for (auto& [id, receiver] : calls) EXPECT_EQ(receiver->dones(), 1);
  EXPECT_EQ(server.request_count(), 2U);
}

TEST_F(NetTest, ATokenCancelsAFetch) {
  HttpScriptServer server([](const ScriptRequest&) { return ScriptReply::silent(); });
  const auto client = make_client();
  CancelSource source;
  std::thread canceller([&] {
    EXPECT_TRUE(server.wait_for_requests(1, kPatience));
    source.cancel();
  });
  const auto response =
      nithronfs::testing::wait_for(fetch(*client, Request{.url = server.url("/")}, 1000, source.token()));
  canceller.join();
  EXPECT_FAILS(response, Errc::cancelled);
  EXPECT_FAILS(
      nithronfs::testing::wait_for(fetch(*client, Request{.url = server.url("/")}, 1000, source.token())),
      Errc::cancelled);
  EXPECT_EQ(server.request_count(), 1U);
}

TEST_F(NetTest, ShuttingDownEndsEveryCall) {
  HttpScriptServer server([](const ScriptRequest&) { return ScriptReply::silent(); });
  auto client = make_client(ClientOptions{.max_connections = 2});
  const auto receivers = start_many(*client, server.url("/"), Priority::foreground, 5);
  ASSERT_TRUE(server.wait_for_requests(2, kPatience));
  client.reset();
  for (const auto& receiver : receivers) {
    ASSERT_TRUE(receiver->done());  // before the destructor returned
    EXPECT_FAILS(receiver->wait(), Errc::cancelled);
  }
}

TEST_F(NetTest, LowerPrioritiesNeverHoldAllConnections) {
  const auto gate = std::make_shared<Gate>();
  HttpScriptServer server([gate](const ScriptRequest& request) {
    auto reply = ScriptReply();
    if (request.target != "/now") reply.then_wait_for(gate);
    return reply.then_send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  });
  const auto client = make_client(ClientOptions{.max_connections = 4});
  const auto background = start_many(*client, server.url("/background"), Priority::background, 10);
  const auto readahead = start_many(*client, server.url("/readahead"), Priority::readahead, 10);
  // Three of four slots are taken: one by background, two by readahead.
  ASSERT_TRUE(server.wait_for_requests(3, kPatience));
  ASSERT_OK(get(*client, server.url("/now")));  // starts at once, overtaking all that waits
  std::size_t waiting = 0;
  for (const auto& receiver : background) waiting += receiver->done() ? 0 : 1;
  for (const auto& receiver : readahead) waiting += receiver->done() ? 0 : 1;
  EXPECT_EQ(waiting, 20U);
  EXPECT_EQ(server.request_count(), 4U);
  gate->open();
  for (const auto& receiver : background) ASSERT_OK(receiver->wait());
  for (const auto& receiver : readahead) ASSERT_OK(receiver->wait());
}

TEST_F(NetTest, ANetworkChangeStartsWithFreshConnections) {
  HttpScriptServer server([](const ScriptRequest&) { return ScriptReply::ok("x"); });
  const auto client = make_client();
  ASSERT_OK(get(*client, server.url("/")));
  client->network_changed();
  ASSERT_OK(get(*client, server.url("/")));
  EXPECT_EQ(server.connection_count(), 2U);
}

TEST_F(NetTest, ACallMayStartAnotherFromItsCallback) {
  HttpScriptServer server([](const ScriptRequest&) { return ScriptReply::ok("x"); });
  const auto client = make_client();
  const auto second = std::make_shared<RecordingReceiver>();
  const auto first = std::make_shared<RecordingReceiver>();
  first->flow = [&](std::size_t) {
    client->start(Request{.url = server.url("/2")}, second);
    return Flow::proceed;
  };
  client->start(Request{.url = server.url("/1")}, first);
  ASSERT_OK(first->wait());
  ASSERT_OK(second->wait());
}

}  // namespace
}  // namespace nithronfs::net

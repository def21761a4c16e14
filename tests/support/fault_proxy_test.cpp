// The proxy does what it is told: each fault is visible to a plain client.
#include "fault_proxy.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "files.hpp"
#include "process.hpp"
#include "servers.hpp"

namespace nithronfs::test {
namespace {

constexpr std::size_t size = 1024 * 1024;

class FaultProxyTest : public ::testing::Test {
 protected:
  FaultProxyTest() { write_file(root_ / "file", pattern(1, size)); }

  // curl's exit code, and what it printed: bytes received and seconds.
  Finished get(const std::vector<std::string>& options = {}) {
    Command command;
    command.arguments = {"curl",        "--silent",        "--max-time",
                         "5",           "--output",        (root_ / "received").string(),
                         "--write-out", "%{size_download}"};
    command.arguments.insert(command.arguments.end(), options.begin(), options.end());
    command.arguments.push_back(fmt::format("http://127.0.0.1:{}/file", proxy_.port()));
    return run(command);
  }

  TempDir root_;
  RcloneServer server_{root_.path()};
  FaultProxy proxy_{server_.port()};
};

TEST_F(FaultProxyTest, PassesBytesUnchangedAndCountsThem) {
  EXPECT_EQ(get().exit.code, 0);
  EXPECT_EQ(read_file(root_ / "received"), pattern(1, size));
  EXPECT_EQ(proxy_.counters().connections, 1U);
  EXPECT_GT(proxy_.counters().from_server, size);
  EXPECT_LT(proxy_.counters().from_server, size + 2000);
}

TEST_F(FaultProxyTest, SeesRequestsWithTheirRanges) {
  EXPECT_EQ(get({"--range", "10-19"}).output, "10");
  ASSERT_EQ(proxy_.requests().size(), 1U);
  EXPECT_EQ(proxy_.requests()[0].method, "GET");
  EXPECT_EQ(proxy_.requests()[0].target, "/file");
  EXPECT_EQ(proxy_.requests()[0].range, "bytes=10-19");
  proxy_.forget();
  EXPECT_EQ(proxy_.count(""), 0U);
}

TEST_F(FaultProxyTest, SeesEveryRequestOfAConnection) {
  const std::string url = fmt::format("http://127.0.0.1:{}/", proxy_.port());
  const Finished two = run({.arguments = {"curl", "--silent", "-X", "PROPFIND", "--data", "<x/>", url, url}});
  EXPECT_EQ(two.exit.code, 0);
  EXPECT_EQ(proxy_.count("PROPFIND"), 2U);
  EXPECT_EQ(proxy_.counters().connections, 1U);
}

TEST_F(FaultProxyTest, RefusesAndComesBackOnTheSamePort) {
  proxy_.set({.refuse = true});
  EXPECT_EQ(get().exit.code, 7);  // CURLE_COULDNT_CONNECT
  proxy_.heal();
  EXPECT_EQ(get().exit.code, 0);
}

TEST_F(FaultProxyTest, ResetsInMidBody) {
  proxy_.set({.reset_after = 100'000});
  EXPECT_EQ(get().exit.code, 56);  // CURLE_RECV_ERROR
}

TEST_F(FaultProxyTest, TruncatesABody) {
  proxy_.set({.truncate_after = 100'000});
  EXPECT_EQ(get().exit.code, 18);  // CURLE_PARTIAL_FILE
}

TEST_F(FaultProxyTest, StallsUntilHealed) {
  proxy_.set({.stall = true});
  EXPECT_EQ(get({"--max-time", "0.3"}).exit.code, 28);  // CURLE_OPERATION_TIMEDOUT
  proxy_.heal();
  EXPECT_EQ(get().exit.code, 0);
}

TEST_F(FaultProxyTest, DelaysAndLimitsTheRate) {
  proxy_.set({.delay = milliseconds(150)});
  EXPECT_GE(time_of([&] { EXPECT_EQ(get().exit.code, 0); }), milliseconds(150));
  proxy_.set({.rate = 2 * size});
  EXPECT_GE(time_of([&] { EXPECT_EQ(get().exit.code, 0); }), milliseconds(450));
}

}  // namespace
}  // namespace nithronfs::test

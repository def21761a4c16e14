// Answers without an end, answers that are no HTTP, and JSON that is none: refused within bounds of time and
// memory, with the right errno and without a crash.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "http_script_server.hpp"
#include "scenario.hpp"

namespace nithronfs::test {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::HttpScriptServer;
using ::testing::IsEmpty;
using testing::ScriptReply;
using testing::ScriptRequest;

constexpr std::size_t mib = 1024 * 1024;
// What the daemon may hold of such answers, with room for sanitizers, which keep freed memory for a while.
constexpr std::size_t memory_bound = 400 * mib;

std::string multistatus_begin() {
  return R"(<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:">)";
}

std::string row(const std::string& href, bool folder, std::size_t size) {
  return fmt::format(
      R"(<D:response><D:href>{}</D:href><D:propstat><D:prop><D:resourcetype>{}</D:resourcetype>)"
      R"(<D:getcontentlength>{}</D:getcontentlength><D:getetag>"tag"</D:getetag>)"
      R"(<D:getlastmodified>Sun, 06 Nov 1994 08:49:37 GMT</D:getlastmodified></D:prop>)"
      R"(<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>)",
      href, folder ? "<D:collection/>" : "", size);
}

// A head without a length: the body ends with the connection, or never.
ScriptReply open_ended(const std::string& begin, const std::string& again) {
  return ScriptReply::raw(
             "HTTP/1.1 207 Multi-Status\r\nContent-Type: application/xml\r\nConnection: close\r\n\r\n" +
             begin)
      .then_repeat(again);
}

class HostileWebDavTest : public ::testing::Test {
 protected:
  // A WebDAV server with one file in its root. `hostile` answers for /dav/folder/ and for GETs.
  void mount(std::function<ScriptReply(const ScriptRequest&)> hostile) {
    server_.emplace([hostile = std::move(hostile)](const ScriptRequest& request) {
      const bool about_root = request.target == "/dav/" || request.target == "/dav";
      if (!about_root || request.method == "GET") return hostile(request);
      std::string listing = multistatus_begin() + row("/dav/", true, 0);
      if (request.header("Depth") == "1")
        listing += row("/dav/folder/", true, 0) + row("/dav/file", false, 5);
      return ScriptReply::status(207, listing + "</D:multistatus>", {{"Content-Type", "application/xml"}});
    });
    mount_.emplace(MountSpec{
        .url = "webdav+" + server_->url("/dav"), .options = {settled, "timeout=3s"}, .log_in = false});
    ASSERT_EQ(fs::file_size(*mount_ / "file"), 5U);
  }

  int errno_of_listing() {
    std::error_code error;
    fs::directory_iterator entry(*mount_ / "folder", error);
    while (!error && entry != fs::directory_iterator()) entry.increment(error);
    return error.value();
  }

  void expect_alive_and_lean() {
    EXPECT_EQ(fs::file_size(*mount_ / "file"), 5U);
    std::smatch match;
    const std::string status = read_file(fmt::format("/proc/{}/status", mount_->pid()));
    ASSERT_TRUE(std::regex_search(status, match, std::regex("RssAnon:\\s+(\\d+) kB")));
    EXPECT_LT(std::stoul(match[1]) * 1024, memory_bound);
    EXPECT_LT(mount_->log().size(), 100'000U);
  }

  std::optional<HttpScriptServer> server_;
  std::optional<Mount> mount_;
};

// What an endless listing repeats after its beginning.
struct Endless {
  const char* name;
  std::string begin;
  std::string again;
};
void PrintTo(const Endless& endless, std::ostream* out) {
  *out << endless.name;
}

class EndlessListingTest : public HostileWebDavTest, public ::testing::WithParamInterface<Endless> {};

TEST_P(EndlessListingTest, EndsAtABound) {
  mount([](const ScriptRequest&) { return open_ended(GetParam().begin, GetParam().again); });
  int error = 0;
  EXPECT_LT(time_of([&] { error = errno_of_listing(); }), seconds(30));
  EXPECT_THAT(name_of_errno(error), AnyOf("EIO", "EFBIG", "ETIMEDOUT"));
  expect_alive_and_lean();
}

INSTANTIATE_TEST_SUITE_P(
    Listings, EndlessListingTest,
    ::testing::Values(Endless{"SameRow", multistatus_begin(), row("/dav/folder/x", false, 1)},
                      Endless{"RefusedRow", multistatus_begin(), row("/etc/passwd", false, 1)},
                      Endless{"Name", multistatus_begin() + "<D:response><D:href>/dav/folder/",
                              std::string(65536, 'n')},
                      Endless{"Depth", multistatus_begin(), "<D:x>"},
                      Endless{"Comment", multistatus_begin() + "<!-- ", std::string(65536, 'c')},
                      Endless{"Attributes", multistatus_begin() + "<D:response a='", std::string(65536, 'a')},
                      Endless{"WhiteSpace", multistatus_begin(), std::string(65536, ' ')}),
    [](const auto& endless) { return std::string(endless.param.name); });

TEST_F(HostileWebDavTest, AHeadWithoutAnEndIsRefused) {
  mount([](const ScriptRequest&) {
    return ScriptReply::raw("HTTP/1.1 207 Multi-Status\r\n")
        .then_repeat("X-Filler: " + std::string(1000, 'f') + "\r\n");
  });
  int error = 0;
  EXPECT_LT(time_of([&] { error = errno_of_listing(); }), seconds(30));
  EXPECT_NE(error, 0);
  expect_alive_and_lean();
}

TEST_F(HostileWebDavTest, WhatIsNoHttpIsRefused) {
  mount([](const ScriptRequest&) { return ScriptReply::raw("SSH-2.0-OpenSSH_9.2\r\n").then_close(); });
  EXPECT_NE(errno_of_listing(), 0);
  expect_alive_and_lean();
}

TEST_F(HostileWebDavTest, ABodyLongerThanItsFileIsNeverReturned) {
  mount([](const ScriptRequest&) {
    return ScriptReply::raw(
               "HTTP/1.1 206 Partial Content\r\nETag: \"tag\"\r\nContent-Range: bytes 0-4/5\r\nConnection: "
               "close\r\n\r\n")
        .then_repeat(std::string(65536, 'g'));
  });
  ReadOutcome outcome;
  EXPECT_LT(time_of([&] { outcome = try_read_all(*mount_ / "file"); }), seconds(30));
  EXPECT_NE(outcome.error, 0);
  EXPECT_THAT(outcome.bytes, IsEmpty());
  expect_alive_and_lean();
}

// JSON answers of the sync API, spoiled on their way out.
class HostileJsonTest : public MountTest {
 protected:
  HostileJsonTest() {
    write_file(share("file"), "content");
    account_ = home_ / "account.json";
    std::ignore = login(server_.url_via(proxy_.port()), account_);
  }
  void answer_shares_with(const std::string& body) {
    const nlohmann::json rule{{"path", "/api/v1/sync/shares"},
                              {"status", 200},
                              {"headers", {{"Content-Type", "application/json"}}},
                              {"body", body}};
    server_.set_faults(nlohmann::json::array({rule}).dump());
  }
  Mount all_shares() {
    return Mount({.url = server_.url_via(proxy_.port()),
                  .options = {watchful, "timeout=10s"},
                  .log_in = false,
                  .account = account_});
  }
  TempDir home_;
  fs::path account_;
};

TEST_F(HostileJsonTest, GarbageForSharesIsAnErrorAndHeals) {
  const Mount mount = all_shares();
  for (const std::string& body :
       {std::string("{"), std::string("<html>please log in</html>"), std::string(), std::string("null"),
        std::string("7"), std::string(200'000, '['), std::string(R"({"shares":{"a":1}})"),
        std::string(R"({"shares":[{"share_id":[]}]})"), "\"" + std::string(6 * mib, 'x') + "\"",
        std::string("\x00{", 2)}) {
    answer_shares_with(body);
    std::error_code error;
    const fs::directory_iterator none(mount.root(), error);
    EXPECT_THAT(name_of_errno(error.value()), AnyOf("EIO", "EFBIG")) << printable(body.substr(0, 40));
  }
  server_.set_faults("[]");
  EXPECT_TRUE(eventually([&] { return try_read_all(mount / "share/file").bytes == "content"; }));
}

TEST_F(HostileJsonTest, SharesWithImpossibleNamesAreLeftOut) {
  const Mount mount = all_shares();
  nlohmann::json shares = nlohmann::json::array();
  for (const char* name : {"fine", "a/b", "..", ".", "", "fine"}) {
    shares.push_back({{"share_id", "share"}, {"share_name", name}, {"share_path", "/srv"}});
  }
  shares.push_back({{"share_id", "share"}, {"share_name", std::string("nul\0byte", 8)}});
  shares.push_back({{"share_id", "share"}, {"share_name", std::string(300, 'l')}});
  answer_shares_with(nlohmann::json{{"shares", shares}, {"count", shares.size()}}.dump());
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(mount.root())) names.push_back(entry.path().filename());
  EXPECT_THAT(names, ElementsAre("fine"));
}

TEST_F(HostileJsonTest, AFirstMountSaysInOneLineWhatIsWrong) {
  answer_shares_with("<html>please log in</html>");
  try {
    mount();
    FAIL() << "a login page passed for a list of shares";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("shares"));
  }
}

}  // namespace
}  // namespace nithronfs::test

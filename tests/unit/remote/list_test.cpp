// Listing and stat against servers that behave and servers that do not.
#include "remote_fixture.hpp"

namespace nithronfs::remote {
namespace {

class ListTest : public RemoteTest {
 protected:
  Result<Entry> list(const std::string& path = "") {
    recorder_ = std::make_shared<ListRecorder>();
    return wait_for(remote_->list("s", path, recorder_, {}));
  }
  std::shared_ptr<ListRecorder> recorder_;
};

TEST_F(ListTest, ListsADirectory) {
  serve([](const ScriptRequest&) {
    return multistatus(response_xml("/dav/s/a%20b/") + response_xml("/dav/s/a%20b/c+d") +
                       response_xml("/dav/s/a%20b/e%25/"));
  });
  const auto self = list("a b");
  ASSERT_OK(self);
  EXPECT_EQ(self->kind, Kind::directory);
  EXPECT_EQ(self->version.mtime.seconds, 784111777);
  EXPECT_EQ(recorder_->names, (std::vector<std::string>{"c+d", "e%"}));
  const ScriptRequest request = server_->requests().at(0);
  EXPECT_EQ(request.method, "PROPFIND");
  EXPECT_EQ(request.target, "/dav/s/a%20b/");
  EXPECT_EQ(request.header("Depth"), "1");
  EXPECT_EQ(request.header("Authorization"), "Bearer nos_dt_first");
  EXPECT_NE(request.body.find("getetag"), std::string::npos);
}

TEST_F(ListTest, NamesTravelEncoded) {
  std::string name;
  for (int c = 1; c < 128; ++c) {
    if (c != '/') name += static_cast<char>(c);
  }
  serve([](const ScriptRequest& request) { return multistatus(response_xml(request.target, "12")); });
  const auto entry = wait_for(remote_->stat("s", name + "/\xe2\x82\xac", {}));
  ASSERT_OK(entry);
  EXPECT_EQ(entry->kind, Kind::file);
  EXPECT_EQ(entry->name, "");
  EXPECT_EQ(server_->requests().at(0).header("Depth"), "0");
}

TEST_F(ListTest, EvilRowsAreLeftOutAndTold) {
  serve([](const ScriptRequest&) {
    return multistatus(
        response_xml("/dav/s/") + response_xml("/dav/s/good") + response_xml("/dav/s/..%2f..%2fetc") +
        response_xml("/dav/s/..") + response_xml("/dav/s/a%00b") + response_xml("/dav/s/%ff") +
        response_xml("/dav/s/" + std::string(300, 'x')) + response_xml("/dav/s/good") +
        response_xml("/dav/other/z") + response_xml("/dav/s/deep/er") + response_xml("/dav/s/neg", "-5") +
        response_xml("/dav/s/huge", "99999999999999999999"));
  });
  ASSERT_OK(list());
  EXPECT_EQ(recorder_->names, std::vector<std::string>{"good"});
  EXPECT_EQ(recorder_->refused.size(), 10U);
}

TEST_F(ListTest, ATenMegabyteNameIsLeftOut) {
  serve([](const ScriptRequest&) {
    return multistatus(response_xml("/dav/s/") + response_xml("/dav/s/" + std::string(10 << 20, 'x')) +
                       response_xml("/dav/s/good"));
  });
  ASSERT_OK(list());
  EXPECT_EQ(recorder_->names, std::vector<std::string>{"good"});
  ASSERT_EQ(recorder_->refused.size(), 1U);
  EXPECT_LT(recorder_->refused.front().size(), 300U);
}

TEST_F(ListTest, NoCutOrGarbledListingIsBelieved) {
  const std::string whole =
      kMultistatusStart + response_xml("/dav/s/") + response_xml("/dav/s/a") + kMultistatusEnd;
  for (const std::string& body :
       {std::string(), whole.substr(0, whole.size() / 2), whole.substr(0, whole.size() - 1),
        std::string("{}"), std::string("\x00\x01\x02", 3), whole + "x", kMultistatusStart + kMultistatusEnd,
        "<!DOCTYPE m [<!ENTITY a 'b'>]>" + whole}) {
    serve([&body](const ScriptRequest&) { return ScriptReply::status(207, body); });
    EXPECT_FAILS(list(), Errc::protocol);
  }
}

TEST_F(ListTest, ACutBodyIsNotBelieved) {
  serve([](const ScriptRequest&) {
    return ScriptReply::status(207, kMultistatusStart + response_xml("/dav/s/") + kMultistatusEnd,
                               {{"Content-Length", "100000"}})
        .then_close();
  });
  EXPECT_FAILS(list(), Errc::protocol);
}

TEST_F(ListTest, AWebPageIsNoListing) {
  for (const int status : {200, 207}) {
    serve([status](const ScriptRequest&) {
      return ScriptReply::status(status, "<html><body>Please log in</body></html>",
                                 {{"Content-Type", "text/html"}});
    });
    const auto self = list();
    EXPECT_FAILS(self, Errc::protocol);
    EXPECT_NE(self.error().message.find("web page"), std::string::npos);
  }
}

TEST_F(ListTest, AnEmptyAnswerMeansUnreadable) {
  serve([](const ScriptRequest&) { return ScriptReply::ok(); });
  EXPECT_FAILS(wait_for(remote_->stat("s", "a", {})), Errc::permission);
}

TEST_F(ListTest, StatusesHaveTheirMeaning) {
  for (const auto& [status, expected] : std::vector<std::pair<int, Errc>>{{403, Errc::permission},
                                                                          {404, Errc::not_found},
                                                                          {405, Errc::not_supported},
                                                                          {423, Errc::busy},
                                                                          {500, Errc::server},
                                                                          {400, Errc::protocol}}) {
    serve([status = status](const ScriptRequest&) {
      return ScriptReply::status(status, R"({"error":{"code":"x","message":"because of reasons"}})");
    });
    const auto self = list();
    EXPECT_FAILS(self, expected);
    if (status != 405) {
      EXPECT_NE(self.error().message.find("because of reasons"), std::string::npos) << status;
    }
  }
}

TEST_F(ListTest, AFileIsNoDirectory) {
  serve([](const ScriptRequest&) { return multistatus(response_xml("/dav/s/a")); });
  EXPECT_FAILS(list("a"), Errc::not_directory);
}

TEST_F(ListTest, AnEndlessListingEndsAtTheDeadline) {
  serve([](const ScriptRequest&) {
    return ScriptReply::raw("HTTP/1.1 207 Multi-Status\r\nTransfer-Encoding: chunked\r\n\r\n")
        .then_send(fmt::format("{:x}\r\n{}\r\n", kMultistatusStart.size(), kMultistatusStart))
        .then_repeat("1\r\n \r\n");
  });
  recorder_ = std::make_shared<ListRecorder>();
  const CallOptions soon{.deadline = std::chrono::milliseconds(200)};
  EXPECT_FAILS(wait_for(remote_->list("s", "", recorder_, soon)), Errc::timed_out);
  serve([](const ScriptRequest&) {
    const std::string row = response_xml("/dav/s/same");
    std::string chunk = fmt::format("{:x}\r\n{}\r\n", row.size(), row);
    return ScriptReply::raw("HTTP/1.1 207 Multi-Status\r\nTransfer-Encoding: chunked\r\n\r\n")
        .then_send(fmt::format("{:x}\r\n{}\r\n", kMultistatusStart.size(), kMultistatusStart))
        .then_repeat(std::move(chunk));
  });
  EXPECT_FAILS(wait_for(remote_->list("s", "", recorder_, soon)), Errc::timed_out);
}

TEST_F(ListTest, AHundredThousandEntriesComeThrough) {
  std::string rows = response_xml("/dav/s/");
  for (int i = 0; i < 100'000; ++i) rows += response_xml("/dav/s/file-" + std::to_string(i));
  serve([&rows](const ScriptRequest&) { return multistatus(rows); });
  ASSERT_OK(list());
  EXPECT_EQ(recorder_->names.size(), 100'000U);
  EXPECT_TRUE(recorder_->refused.empty());
}

TEST_F(ListTest, CancellingEndsAListing) {
  serve([](const ScriptRequest&) { return ScriptReply::silent(); });
  CancelSource source;
  std::thread canceller([&] {
    EXPECT_TRUE(server_->wait_for_requests(1, kPatience));
    source.cancel();
  });
  const auto self =
      wait_for(remote_->list("s", "", std::make_shared<ListRecorder>(), {.cancel = source.token()}));
  canceller.join();
  EXPECT_FAILS(self, Errc::cancelled);
}

TEST_F(ListTest, PathsThatMeanSomethingElseAreNotSent) {
  serve([](const ScriptRequest&) { return ScriptReply::ok(); });
  for (const char* path : {"..", "a/../b", "/a", "a/", "a//b", "."})
    EXPECT_FAILS(list(path), Errc::invalid_argument);
  EXPECT_EQ(server_->request_count(), 0U);
}

TEST_F(ListTest, TheTokenDoesNotFollowARedirectToAnotherServer) {
  HttpScriptServer thief([](const ScriptRequest&) { return ScriptReply::ok(); });
  serve([&thief](const ScriptRequest&) {
    return ScriptReply::status(301, "", {{"Location", thief.url("/")}});
  });
  EXPECT_FAILS(list(), Errc::protocol);
  EXPECT_EQ(thief.connection_count(), 0U);
}

}  // namespace
}  // namespace nithronfs::remote

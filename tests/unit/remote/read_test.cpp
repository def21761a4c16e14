// Reading ranges: only bytes of the expected version, all of them, or an error (S2, S5).
#include "remote_fixture.hpp"

namespace nithronfs::remote {
namespace {

const std::string kContent = "0123456789abcdefghij";
const Version kVersion{.etag = "\"v1\"", .size = 20, .mtime = {784111777, 0}};

ScriptReply partial(const std::string& range, const std::string& body,
                    nithronfs::testing::Headers more = {}) {
  more.emplace_back("Content-Range", range);
  if (std::ranges::none_of(more, [](const auto& header) { return header.first == "ETag"; })) {
    more.emplace_back("ETag", "\"v1\"");
  }
  return ScriptReply::status(206, body, more);
}

class ReadTest : public RemoteTest {
 protected:
  Result<void> read(std::uint64_t offset, std::uint64_t length, const Version& version = kVersion) {
    recorder_ = std::make_shared<BytesRecorder>(offset);
    return wait_for(remote_->read("s", "a b", version, {offset, length}, recorder_, {}));
  }
  // What a read of bytes 5 to 9 comes to when the server answers so.
  Result<void> read_of(const ScriptReply& reply, const Version& version = kVersion) {
    serve([reply](const ScriptRequest&) { return reply; });
    return read(5, 5, version);
  }
  std::shared_ptr<BytesRecorder> recorder_;
};

TEST_F(ReadTest, ReadsARangeOfAVersion) {
  ASSERT_OK(read_of(partial("bytes 5-9/20", "56789")));
  EXPECT_EQ(recorder_->text(), "56789");
  const ScriptRequest request = server_->requests().at(0);
  EXPECT_EQ(request.target, "/dav/s/a%20b");
  EXPECT_EQ(request.header("Range"), "bytes=5-9");
  EXPECT_EQ(request.header("If-Match"), "\"v1\"");
  EXPECT_EQ(request.header("Accept-Encoding"), "identity");
}

TEST_F(ReadTest, AnotherVersionIsStale) {
  EXPECT_FAILS(read_of(partial("bytes 5-9/20", "56789", {{"ETag", "\"v2\""}})), Errc::stale);
  EXPECT_EQ(recorder_->text(), "");
  EXPECT_FAILS(read_of(partial("bytes 5-9/21", "56789")), Errc::stale);
  EXPECT_EQ(recorder_->text(), "");
  for (const int status : {404, 410, 412, 416})
    EXPECT_FAILS(read_of(ScriptReply::status(status, "x")), Errc::stale);
  EXPECT_FAILS(read_of(ScriptReply::ok(kContent + "more", {{"ETag", "\"v1\""}})), Errc::stale);
  EXPECT_EQ(recorder_->text(), "");
}

TEST_F(ReadTest, OtherBytesThanAskedForAreRefused) {
  for (const char* range : {"bytes 4-8/20", "bytes 5-8/20", "bytes 5-10/20", "bytes 0-19/20", "bytes */20",
                            "bytes 5-9/*", "5-9/20", "bytes 9-5/20", "bytes 5-9/20x", "bytes -9/20", ""}) {
    EXPECT_FAILS(read_of(partial(range, "56789")), Errc::protocol);
    EXPECT_EQ(recorder_->text(), "") << range;
  }
  EXPECT_FAILS(read_of(ScriptReply::status(206, "56789", {{"ETag", "\"v1\""}})), Errc::protocol);
}

TEST_F(ReadTest, AWrongNumberOfBytesIsAnError) {
  EXPECT_FAILS(read_of(partial("bytes 5-9/20", "5678")), Errc::protocol);
  EXPECT_FAILS(read_of(partial("bytes 5-9/20", "56789a")), Errc::protocol);
  EXPECT_FAILS(read_of(partial("bytes 5-9/20", "567", {{"Content-Length", "5"}}).then_close()),
               Errc::protocol);
  // Chunked: nothing announces the length.
  const std::string head =
      "HTTP/1.1 206 x\r\nETag: \"v1\"\r\nContent-Range: bytes 5-9/20\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_FAILS(read_of(ScriptReply::raw(head + "4\r\n5678\r\n0\r\n\r\n")), Errc::protocol);
  EXPECT_FAILS(read_of(ScriptReply::raw(head + "6\r\n56789a\r\n0\r\n\r\n")), Errc::protocol);
  ASSERT_OK(read_of(ScriptReply::raw(head + "2\r\n56\r\n3\r\n789\r\n0\r\n\r\n")));
  EXPECT_EQ(recorder_->text(), "56789");
}

TEST_F(ReadTest, AResetWithinTheBodyIsAnError) {
  const auto gate = std::make_shared<Gate>();
  serve([gate](const ScriptRequest&) {
    return partial("bytes 5-9/20", "567", {{"Content-Length", "5"}}).then_wait_for(gate).then_reset();
  });
  std::thread opener;
  recorder_ = std::make_shared<BytesRecorder>(5);
  opener = std::thread([&] {
    EXPECT_TRUE(recorder_->wait_for_bytes(3));
    gate->open();
  });
  const auto outcome = wait_for(remote_->read("s", "a", kVersion, {5, 5}, recorder_, {}));
  opener.join();
  EXPECT_FAILS(outcome, Errc::offline);
  EXPECT_EQ(server_->request_count(), 1U);
}

TEST_F(ReadTest, AServerThatIgnoresRangesIsReadFromTheStart) {
  ASSERT_OK(read_of(ScriptReply::ok(kContent, {{"ETag", "\"v1\""}})));
  EXPECT_EQ(recorder_->text(), "56789");
  ASSERT_OK(read(0, 20));
  EXPECT_EQ(recorder_->text(), kContent);
  ASSERT_OK(read(15, 5));
  EXPECT_EQ(recorder_->text(), "fghij");
  EXPECT_FAILS(read_of(ScriptReply::ok(kContent, {{"ETag", "\"v2\""}})), Errc::stale);
}

TEST_F(ReadTest, AWholeFileThatIsLongerThanItsVersionIsAnError) {
  serve([](const ScriptRequest&) {
    return ScriptReply::raw("HTTP/1.1 200 x\r\nETag: \"v1\"\r\nTransfer-Encoding: chunked\r\n\r\n15\r\n" +
                            kContent + "!\r\n0\r\n\r\n");
  });
  EXPECT_FAILS(read(0, 20), Errc::protocol);
}

TEST_F(ReadTest, FarOffsetsNeedRanges) {
  serve([](const ScriptRequest&) {
    return ScriptReply::ok("x", {{"ETag", "\"v1\""}, {"Content-Length", "1000000000"}});
  });
  Version big = kVersion;
  big.size = 1'000'000'000;
  EXPECT_FAILS(read(900'000'000, 5, big), Errc::not_supported);
}

TEST_F(ReadTest, WeakTagsAreComparedButNotSent) {
  Version weak = kVersion;
  weak.etag = "W/\"v1\"";
  ASSERT_OK(read_of(partial("bytes 5-9/20", "56789"), weak));
  EXPECT_EQ(server_->requests().at(0).header("If-Match"), "");
  EXPECT_FAILS(read_of(partial("bytes 5-9/20", "56789", {{"ETag", "W/\"v2\""}}), weak), Errc::stale);
}

TEST_F(ReadTest, WithoutATagTheTimeDecides) {
  const Version untagged{.etag = "", .size = 20, .mtime = {784111777, 0}};
  const auto dated = [](const char* date) {
    return ScriptReply::status(206, "56789", {{"Content-Range", "bytes 5-9/20"}, {"Last-Modified", date}});
  };
  ASSERT_OK(read_of(dated("Sun, 06 Nov 1994 08:49:37 GMT"), untagged));
  EXPECT_FAILS(read_of(dated("Sun, 06 Nov 1994 08:49:38 GMT"), untagged), Errc::stale);
  EXPECT_FAILS(read_of(dated("whenever"), untagged), Errc::protocol);
  EXPECT_FAILS(read_of(ScriptReply::status(206, "56789", {{"Content-Range", "bytes 5-9/21"}}), untagged),
               Errc::stale);
}

TEST_F(ReadTest, AnAnswerThatDoesNotNameItsVersionIsNotBelieved) {
  EXPECT_FAILS(read_of(ScriptReply::status(206, "56789", {{"Content-Range", "bytes 5-9/20"}})),
               Errc::protocol);
  EXPECT_FAILS(read_of(ScriptReply::ok("<html>log in</html>", {{"Content-Type", "text/html"}})),
               Errc::protocol);
  EXPECT_EQ(recorder_->text(), "");
}

TEST_F(ReadTest, CompressedBytesAreRefused) {
  EXPECT_FAILS(read_of(partial("bytes 5-9/20", "56789", {{"Content-Encoding", "gzip"}})), Errc::protocol);
  EXPECT_EQ(recorder_->text(), "");
}

TEST_F(ReadTest, StatusesHaveTheirMeaning) {
  EXPECT_FAILS(read_of(ScriptReply::status(403, "")), Errc::permission);
  EXPECT_FAILS(read_of(ScriptReply::status(500, "")), Errc::server);
  EXPECT_FAILS(read_of(ScriptReply::status(204)), Errc::protocol);
}

TEST_F(ReadTest, RangesOutsideOfTheFileAreNotSent) {
  serve([](const ScriptRequest&) { return ScriptReply::ok(); });
  EXPECT_FAILS(read(0, 0), Errc::invalid_argument);
  EXPECT_FAILS(read(0, 21), Errc::invalid_argument);
  EXPECT_FAILS(read(21, 1), Errc::invalid_argument);
  EXPECT_FAILS(read(10, ~std::uint64_t{0}), Errc::invalid_argument);
  EXPECT_EQ(server_->request_count(), 0U);
}

TEST_F(ReadTest, AReceiverCanPauseAndGoOn) {
  const std::string big(4 << 20, 'x');
  const Version version{.etag = "\"v1\"", .size = big.size(), .mtime = {}};
  serve([&](const ScriptRequest&) {
    return partial(fmt::format("bytes 0-{}/{}", big.size() - 1, big.size()), big);
  });
  const auto recorder = std::make_shared<BytesRecorder>(0);
  recorder->flow = [](std::size_t) { return net::Flow::pause; };
  std::atomic<bool> over = false;
  std::thread resumer([&] {
    std::size_t seen = 0;
    while (seen < big.size() && !over) {
      EXPECT_TRUE(recorder->wait_for_bytes(seen + 1));
      seen = recorder->text().size();  // it stays so until the read is resumed
      remote_->resume(recorder);
    }
  });
  const auto outcome = wait_for(remote_->read("s", "a", version, {0, big.size()}, recorder, {}));
  over = true;
  resumer.join();
  ASSERT_OK(outcome);
  EXPECT_EQ(recorder->text(), big);
}

TEST_F(ReadTest, AReceiverCanStop) {
  serve([](const ScriptRequest&) { return partial("bytes 5-9/20", "56789"); });
  const auto recorder = std::make_shared<BytesRecorder>(5);
  recorder->flow = [](std::size_t) { return net::Flow::stop; };
  EXPECT_FAILS(wait_for(remote_->read("s", "a", kVersion, {5, 5}, recorder, {})), Errc::cancelled);
}

}  // namespace
}  // namespace nithronfs::remote

// GET, HEAD, OPTIONS, and what a request path may say.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "dav_fixture.hpp"

namespace refserver::dav {
namespace {

TEST_P(AnyDav, GetSendsTheFileWithItsValidators) {
  write_file("a b.txt", "hello world");
  const Answer answer = send("GET", "a%20b.txt");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "hello world");
  EXPECT_EQ(answer.header("Accept-Ranges"), "bytes");
  EXPECT_EQ(answer.header("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_TRUE(answer.header("ETag").starts_with('"')) << "strong and quoted";
  EXPECT_TRUE(answer.header("Last-Modified").ends_with(" GMT"));
}

TEST_P(AnyDav, BodiesAreFilesSoThatTheKernelCanSendThem) {
  write_file("f", "0123456789");
  const auto exchange = make_dav_exchange(request("GET", "f", {{"Range", "bytes=2-4"}}), context());
  const Response response = exchange->finish();
  const auto* body = std::get_if<FileBody>(&response.body);
  ASSERT_NE(body, nullptr);
  EXPECT_EQ(body->offset, 2U);
  EXPECT_EQ(body->length, 3U);
}

TEST_P(AnyDav, RangesArePartsOfTheFile) {
  write_file("f", "0123456789");
  const Answer part = send("GET", "f", {{"Range", "bytes=2-4"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  EXPECT_EQ(part.header("Content-Range"), "bytes 2-4/10");

  const Answer tail = send("GET", "f", {{"Range", "bytes=-4"}});
  EXPECT_EQ(tail.body, "6789");
  EXPECT_EQ(tail.header("Content-Range"), "bytes 6-9/10");

  const Answer past = send("GET", "f", {{"Range", "bytes=10-"}});
  EXPECT_EQ(past.status, 416);
  EXPECT_EQ(past.header("Content-Range"), "bytes */10");
  EXPECT_EQ(past.body, "");

  EXPECT_EQ(send("HEAD", "f", {{"Range", "bytes=2-4"}}).status, 200) << "ranges belong to GET";
}

TEST_P(AnyDav, ConditionsOfAReadGuardTheVersion) {
  write_file("f", "0123456789");
  const std::string tag = etag_of("f");
  EXPECT_EQ(send("GET", "f", {{"If-Match", tag}, {"Range", "bytes=0-1"}}).status, 206);
  EXPECT_EQ(send("GET", "f", {{"If-Match", "\"gone\""}, {"Range", "bytes=0-1"}}).status, 412);
  const Answer unchanged = send("GET", "f", {{"If-None-Match", tag}});
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_EQ(unchanged.header("ETag"), tag);
  EXPECT_EQ(send("GET", "f", {{"If-Range", "\"gone\""}, {"Range", "bytes=0-1"}}).body, "0123456789");
  EXPECT_EQ(send("GET", "f", {{"If-Range", tag}, {"Range", "bytes=0-1"}}).body, "01");
}

TEST_P(AnyDav, DirectoriesHaveNoBody) {
  std::filesystem::create_directory(on_disk("d"));
  const Answer answer = send("GET", "d/");
  EXPECT_EQ(answer.status, 405);
  EXPECT_NE(answer.header("Allow"), "");
}

TEST_P(AnyDav, NamesAreBytesAndPlusIsAPlus) {
  write_file("a+b", "plus");
  write_file("a b", "space");
  write_file("caf\xC3\xA9#?%", "odd");
  EXPECT_EQ(send("GET", "a+b").body, "plus");
  EXPECT_EQ(send("GET", "a%2Bb").body, "plus");
  EXPECT_EQ(send("GET", "a%20b").body, "space");
  EXPECT_EQ(send("GET", "caf%C3%A9%23%3F%25").body, "odd");
}

TEST_P(AnyDav, PathsThatLeadOutAreRefused) {
  write_file("d/f", "x");
  for (const char* path : {"../etc/passwd", "d/../../x", "%2e%2e/etc/passwd", "d/%2e%2e/f", "d%2Ff", "f%00",
                           "d/./f", "%zz", "f%2", "d/f#x"}) {
    EXPECT_EQ(send("GET", path).status, 400) << path;
  }
}

TEST_P(AnyDav, SymlinksNeverLeadOutOfTheShare) {
  std::filesystem::create_symlink("/etc/passwd", on_disk("absolute"));
  std::filesystem::create_symlink("../../etc/passwd", on_disk("relative"));
  std::filesystem::create_directory_symlink("/etc", on_disk("etc"));
  for (const char* path : {"absolute", "relative", "etc/passwd", "etc"}) {
    EXPECT_EQ(send("GET", path).status, 404) << path;
    EXPECT_EQ(send("PROPFIND", path, {{"Depth", "0"}}).status, 404) << path;
  }
}

TEST_P(AnyDav, WhatIsNoFileIsNotServed) {
  ASSERT_EQ(::mkfifo(on_disk("pipe").c_str(), 0600), 0);
  EXPECT_EQ(send("GET", "pipe").status, 404);
  EXPECT_EQ(send("GET", "missing").status, 404);
  write_file("f", "x");
  EXPECT_EQ(send("GET", "f/below").status, 404);
}

TEST_P(AnyDav, TheServersOwnTemporaryFilesAreHidden) {
  write_file(".nithron-refserver-new-1", "half");
  EXPECT_EQ(send("GET", ".nithron-refserver-new-1").status, 404);
  EXPECT_EQ(send("DELETE", ".nithron-refserver-new-1").status, 404);
  EXPECT_GE(send("PUT", ".nithron-refserver-new-1", {}, "x").status, 403);
  EXPECT_EQ(read_file(".nithron-refserver-new-1"), "half");
  sweep_leftovers(share_);
  EXPECT_FALSE(exists(".nithron-refserver-new-1"));
}

TEST_P(AnyDav, OptionsNameTheClasses) {
  const Answer answer = send("OPTIONS", "");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("DAV"), "1, 2");
  EXPECT_NE(answer.header("Allow").find("PROPFIND"), std::string::npos);
  EXPECT_EQ(send("BREW", "").status, 405);
}

TEST_P(AnyDav, OtherSharesAreNotFound) {
  Request other = request("GET", "f");
  other.path = "/dav/elsewhere/f";
  EXPECT_EQ(send(other).status, 404);
}

TEST_F(FullDav, InnerSymlinksAreNotFollowed) {
  write_file("real", "x");
  std::filesystem::create_symlink("real", on_disk("link"));
  EXPECT_EQ(send("GET", "link").status, 404);
}

TEST_F(StockDav, InnerSymlinksAreFollowed) {
  write_file("real", "x");
  std::filesystem::create_symlink("real", on_disk("link"));
  EXPECT_EQ(send("GET", "link").body, "x");
}

TEST_F(StockDav, MissingPermissionLooksLikeAbsence) {
  write_file("secret", "x");
  ASSERT_EQ(::chmod(on_disk("secret").c_str(), 0), 0);
  EXPECT_EQ(send("GET", "secret").status, 404);
}

}  // namespace
}  // namespace refserver::dav

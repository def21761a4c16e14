// Which rows become entries, which are refused, and which end the listing.
#include "remote/dav_listing.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

namespace nithronfs::remote {
namespace {

class Recorder final : public ListingReceiver {
 public:
  net::Flow on_entry(Entry entry) override {
    entries.push_back(std::move(entry));
    return flow;
  }
  void on_refused(std::string_view href, std::string_view reason) override {
    refused.emplace_back(href, reason);
  }

  std::vector<Entry> entries;
  std::vector<std::pair<std::string, std::string>> refused;
  net::Flow flow = net::Flow::proceed;
};

DavRow directory_row(std::string href) {
  DavRow row{.href = std::move(href)};
  row.properties.has_resource_type = true;
  row.properties.is_collection = true;
  return row;
}

DavRow file_row(std::string href) {
  DavRow row{.href = std::move(href)};
  row.properties.has_resource_type = true;
  row.properties.content_length = "12";
  row.properties.last_modified = "Sun, 06 Nov 1994 08:49:37 GMT";
  row.properties.etag = "\"v1\"";
  return row;
}

class DavListingTest : public ::testing::Test {
 protected:
  const std::shared_ptr<Recorder> recorder_ = std::make_shared<Recorder>();
  DavListing listing_{"/dav/s", recorder_};
};

TEST_F(DavListingTest, MakesEntries) {
  EXPECT_TRUE(listing_.add(directory_row("/dav/s/")));
  EXPECT_TRUE(listing_.add(file_row("/dav/s/a%20b")));
  EXPECT_TRUE(listing_.add(directory_row("/dav/s/d/")));
  ASSERT_EQ(recorder_->entries.size(), 2U);
  const Entry& file = recorder_->entries[0];
  EXPECT_EQ(file.name, "a b");
  EXPECT_EQ(file.kind, Kind::file);
  EXPECT_EQ(file.version, (Version{.etag = "\"v1\"", .size = 12, .mtime = {784111777, 0}}));
  EXPECT_EQ(recorder_->entries[1].kind, Kind::directory);
  const auto self = listing_.self();
  ASSERT_TRUE(self);
  EXPECT_EQ(self->name, "");
  EXPECT_EQ(self->kind, Kind::directory);
}

TEST_F(DavListingTest, OurOwnTimeIsPreciser) {
  DavRow row = file_row("/dav/s/a");
  for (const auto& [text, expected] :
       std::vector<std::pair<const char*, Timestamp>>{{"784111777.123456789", {784111777, 123456789}},
                                                      {"784111777.5", {784111777, 500000000}},
                                                      {"784111777", {784111777, 0}},
                                                      {"-1.000000001", {-1, 1}}}) {
    row.properties.precise_mtime = text;
    const auto content = read_row(row.properties);
    ASSERT_TRUE(content) << text;
    EXPECT_EQ(content->version.mtime, expected) << text;
  }
}

TEST_F(DavListingTest, RefusesRowsThatMakeNoSense) {
  const auto refuse = [this](auto change) {
    DavRow row = file_row("/dav/s/a");
    change(row);
    const std::size_t before = recorder_->refused.size();
    EXPECT_TRUE(listing_.add(row));
    EXPECT_EQ(recorder_->refused.size(), before + 1);
  };
  for (const char* size :
       {"", "-1", "+1", "0x10", "1.5", "abc", "12 ", "9223372036854775808", "99999999999999999999999"}) {
    refuse([size](DavRow& row) { row.properties.content_length = size; });
  }
  refuse([](DavRow& row) { row.properties.content_length.reset(); });
  refuse([](DavRow& row) { row.properties.last_modified = "yesterday"; });
  for (const char* time : {"1.", "1.1234567890", ".5", "x", "1.x", "1 "}) {
    refuse([time](DavRow& row) { row.properties.precise_mtime = time; });
  }
  refuse([](DavRow& row) { row.properties.etag = "\"a\nX-Evil: b\""; });
  refuse([](DavRow& row) { row.properties.etag = std::string(2000, 'x'); });
  refuse([](DavRow& row) { row.properties.has_resource_type = false; });
  refuse([](DavRow& row) { row.status = 403; });
  refuse([](DavRow& row) { row.href_too_long = true; });
  refuse([](DavRow& row) { row.text_too_long = true; });
  refuse([](DavRow& row) { row.href = "/dav/s/../../etc/passwd"; });
  EXPECT_TRUE(recorder_->entries.empty());
}

TEST_F(DavListingTest, AFileMayLackTimeAndETag) {
  DavRow row = file_row("/dav/s/a");
  row.properties.etag.reset();
  row.properties.last_modified.reset();
  EXPECT_TRUE(listing_.add(row));
  ASSERT_EQ(recorder_->entries.size(), 1U);
  EXPECT_EQ(recorder_->entries[0].version, (Version{.etag = "", .size = 12, .mtime = {}}));
}

TEST_F(DavListingTest, ADuplicateIsRefused) {
  EXPECT_TRUE(listing_.add(file_row("/dav/s/a")));
  EXPECT_TRUE(listing_.add(file_row("/dav/s/%61")));
  EXPECT_TRUE(listing_.add(directory_row("/dav/s/a/")));
  EXPECT_EQ(recorder_->entries.size(), 1U);
  EXPECT_EQ(recorder_->refused.size(), 2U);
}

TEST_F(DavListingTest, ARefusedRowDoesNotMakeAnotherADuplicate) {
  DavRow bad = file_row("/dav/s/a");
  bad.properties.content_length = "x";
  EXPECT_TRUE(listing_.add(bad));
  EXPECT_TRUE(listing_.add(file_row("/dav/s/a")));
  EXPECT_EQ(recorder_->entries.size(), 1U);
}

TEST_F(DavListingTest, AnEndlessListingEnds) {
  const auto counting = std::make_shared<Recorder>();
  DavListing listing("/dav/s", counting);
  DavRow row = file_row("");
  bool more = true;
  std::size_t rows = 0;
  for (; more && rows <= DavListing::kMaxEntries; ++rows) {
    row.href = "/elsewhere/" + std::to_string(rows);
    more = listing.add(row);
    counting->refused.clear();
  }
  EXPECT_FALSE(more);
  ASSERT_TRUE(listing.failure());
  EXPECT_EQ(listing.failure()->code, Errc::too_large);
}

TEST_F(DavListingTest, TheReceiverCanEndIt) {
  recorder_->flow = net::Flow::stop;
  EXPECT_FALSE(listing_.add(file_row("/dav/s/a")));
  EXPECT_EQ(listing_.failure()->code, Errc::cancelled);
}

TEST_F(DavListingTest, WithoutTheDirectoryItselfItIsNoAnswer) {
  EXPECT_TRUE(listing_.add(file_row("/dav/s/a")));
  EXPECT_EQ(listing_.self().error().code, Errc::protocol);
}

TEST_F(DavListingTest, TheStatusOfTheDirectoryItselfDecides) {
  DavRow row{.href = "/dav/s", .status = 404};
  EXPECT_TRUE(listing_.add(row));
  EXPECT_EQ(listing_.self().error().code, Errc::not_found);
}

TEST_F(DavListingTest, NonsenseAboutTheDirectoryItselfEndsIt) {
  EXPECT_FALSE(listing_.add(DavRow{.href = "/dav/s"}));
  EXPECT_EQ(listing_.failure()->code, Errc::protocol);
}

TEST(RequestBodyTest, NamesWhatIsRead) {
  for (const char* name : {"resourcetype", "getcontentlength", "getlastmodified", "getetag", "mtime"}) {
    EXPECT_NE(listing_request_body().find(name), std::string_view::npos);
  }
  EXPECT_EQ(listing_request_body().find("allprop"), std::string_view::npos);
}

}  // namespace
}  // namespace nithronfs::remote

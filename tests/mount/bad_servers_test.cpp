// Servers that answer nonsense: the right errno, a line in the log, no hang, no wrong name and no wrong byte;
// and all is well again once the server is.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "scenario.hpp"

namespace nithronfs::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

// A fault script with one rule for the listing of /dav/share/folder.
std::string listing_answers(int status, const std::string& body,
                            const std::string& type = "application/xml") {
  const nlohmann::json rule{{"method", "PROPFIND"},
                            {"path", "/dav/share/folder*"},
                            {"status", status},
                            {"headers", {{"Content-Type", type}}},
                            {"body", body}};
  return nlohmann::json::array({rule}).dump();
}

std::string row(const std::string& href, bool folder = false, const std::string& size = "1") {
  return fmt::format(
      R"(<D:response><D:href>{}</D:href><D:propstat><D:prop><D:resourcetype>{}</D:resourcetype>)"
      R"(<D:getcontentlength>{}</D:getcontentlength><D:getetag>"e-{}"</D:getetag>)"
      R"(<D:getlastmodified>Sun, 06 Nov 1994 08:49:37 GMT</D:getlastmodified></D:prop>)"
      R"(<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>)",
      href, folder ? "<D:collection/>" : "", size, size);
}

std::string listing(const std::string& rows) {
  return R"(<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:">)" +
         row("/dav/share/folder/", true) + rows + "</D:multistatus>";
}

class BadServerTest : public MountTest {
 protected:
  BadServerTest() {
    fs::create_directories(share("folder"));
    write_file(share("folder/good"), pattern(1, 5000));
  }

  // The names in `folder`, and the errno of listing them.
  struct Listed {
    std::vector<std::string> names;
    int error = 0;
  };
  Listed list(const std::string& folder = "folder") {
    Listed listed;
    std::error_code error;
    for (fs::directory_iterator entry(at(folder), error), end; !error && entry != end;
         entry.increment(error)) {
      listed.names.push_back(entry->path().filename());
    }
    listed.error = error.value();
    return listed;
  }

  void expect_all_well_after_healing() {
    server_.set_faults("[]");
    proxy_.heal();
    EXPECT_TRUE(eventually([&] { return differences(share(), mount_->root()).empty(); }));
    EXPECT_THAT(differences(share(), mount_->root()), IsEmpty());
  }
};

struct BadListing {
  const char* name;
  std::string faults;
  int expected_errno;
  const char* logged;  // regular expression; what the log has to mention
};

void PrintTo(const BadListing& bad, std::ostream* out) {
  *out << bad.name;
}

class BadListingTest : public BadServerTest, public ::testing::WithParamInterface<BadListing> {};

TEST_P(BadListingTest, FailsClearlyAndHeals) {
  mount({watchful, "timeout=2s"});
  server_.set_faults(GetParam().faults);
  Listed listed;
  EXPECT_LT(time_of([&] { listed = list(); }), seconds(15));
  EXPECT_ERRNO(listed.error, GetParam().expected_errno);
  EXPECT_THAT(listed.names, IsEmpty());
  EXPECT_THAT(mount_->log(), ::testing::ContainsRegex(GetParam().logged));
  EXPECT_THAT(mount_->log(), Not(HasSubstr("nos_dt_")));
  expect_all_well_after_healing();
}

INSTANTIATE_TEST_SUITE_P(
    Listings, BadListingTest,
    ::testing::Values(
        BadListing{"GarbageXml", listing_answers(207, "<D:multistatus xmlns:D='DAV:'><D:resp"), EIO,
                   "folder"},
        BadListing{"NotXml", listing_answers(207, "\x01\x02 this is no markup"), EIO, "folder"},
        BadListing{"EmptyBody", listing_answers(207, ""), EIO, "folder"},
        BadListing{"OtherDocument", listing_answers(207, "<?xml version='1.0'?><html><body/></html>"), EIO,
                   "folder"},
        BadListing{"LoginPage", listing_answers(200, "<html><body>Please log in</body></html>", "text/html"),
                   EIO, "folder"},
        BadListing{"TruncatedListing",
                   listing_answers(207, listing(row("/dav/share/folder/x")).substr(0, 500)), EIO, "folder"},
        BadListing{
            "BillionLaughs",
            listing_answers(
                207,
                R"(<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]><D:multistatus xmlns:D="DAV:">&d;</D:multistatus>)"),
            EIO, "folder"},
        BadListing{"DeepNesting",
                   listing_answers(
                       207, "<D:multistatus xmlns:D='DAV:'>" +
                                [] {
                                  std::string deep;
                                  for (int i = 0; i < 100'000; ++i) deep += "<a>";
                                  return deep;
                                }()),
                   EIO, "folder"},
        BadListing{"ServerError", listing_answers(500, "oops"), EREMOTEIO, "500"},
        BadListing{"Unauthorized", listing_answers(401, ""), EKEYEXPIRED, "folder|log"},
        BadListing{"Forbidden", listing_answers(403, "no"), EACCES, "folder"},
        BadListing{"ResetInMidBody",
                   R"([{"method":"PROPFIND","path":"/dav/share/folder*","reset_after":100}])", EIO,
                   "folder|127.0.0.1"},
        BadListing{"ShortBody", R"([{"method":"PROPFIND","path":"/dav/share/folder*","close_after":100}])",
                   EIO, "folder|127.0.0.1"},
        BadListing{"NoAnswer", R"([{"method":"PROPFIND","path":"/dav/share/folder*","drop":"before"}])",
                   ENETUNREACH, "folder|127.0.0.1"},
        BadListing{"Silence", R"([{"method":"PROPFIND","path":"/dav/share/folder*","silence":true}])",
                   ETIMEDOUT, "folder|127.0.0.1"}),
    [](const auto& listing_case) { return std::string(listing_case.param.name); });

TEST_F(BadServerTest, NamesThatLinuxCannotHoldAreLeftOutAndReported) {
  mount({watchful});
  std::string rows;
  for (const char* href :
       {"/dav/share/folder/fine", "/dav/share/folder/..", "/dav/share/folder/.",
        "/dav/share/folder/with%2Fslash", "/dav/share/folder/nul%00byte", "/dav/share/folder/not-utf8-%ff%fe",
        "/dav/share/elsewhere", "/dav/other/folder/name", "/dav/share/folder/two/levels", "/etc/passwd",
        "../../escape", "/dav/share/folder/bad%zz"}) {
    rows += row(href);
  }
  rows += row("/dav/share/folder/" + std::string(256, 'n'));
  rows += row("/dav/share/folder/" + std::string(10'000'000, 'm'));
  server_.set_faults(listing_answers(207, listing(rows)));
  const Listed listed = list();
  if (listed.error == 0) {
    EXPECT_THAT(listed.names, ElementsAre("fine"));
  }
  EXPECT_THAT(mount_->log(), HasSubstr("folder"));
  EXPECT_LT(mount_->log().size(), 100'000U) << "the log repeats what the server sent";
  expect_all_well_after_healing();
}

TEST_F(BadServerTest, DuplicateNamesShowOnce) {
  mount({watchful});
  server_.set_faults(listing_answers(
      207, listing(row("/dav/share/folder/twice") + row("/dav/share/folder/once") +
                   row("/dav/share/folder/twice", false, "7") + row("/dav/share/folder/%74wice", true))));
  const Listed listed = list();
  if (listed.error == 0) {
    EXPECT_THAT(listed.names, UnorderedElementsAre("twice", "once"));
  }
  expect_all_well_after_healing();
}

TEST_F(BadServerTest, AbsurdSizesAndDatesDoNotCrash) {
  mount({watchful});
  std::string rows;
  for (const char* size : {"-1", "18446744073709551616", "99999999999999999999999999", "1e9", "", "abc",
                           "0x10", "9223372036854775807"}) {
    rows += row(std::string("/dav/share/folder/") + (*size == '\0' ? "none" : size), false, size);
  }
  server_.set_faults(listing_answers(207, listing(rows)));
  for (const std::string& name : list().names) std::ignore = inode_of(at("folder/" + name));
  expect_all_well_after_healing();
}

TEST_F(BadServerTest, ATokenDoesNotFollowARedirectToAnotherHost) {
  const TempDir elsewhere_root;
  const RcloneServer elsewhere(elsewhere_root.path());
  FaultProxy spy(elsewhere.port());
  mount({watchful, "timeout=3s"});
  server_.set_faults(fmt::format(
      R"([{{"method":"PROPFIND","path":"/dav/share/folder*","redirect":"http://127.0.0.1:{0}/stolen"}},
          {{"method":"GET","path":"/dav/*","redirect":"http://localhost:{0}/stolen"}}])",
      spy.port()));
  EXPECT_ERRNO(list().error, EIO);
  server_.set_faults(fmt::format(
      R"([{{"method":"GET","path":"/dav/*","redirect":"http://127.0.0.1:{}/stolen"}}])", spy.port()));
  EXPECT_ERRNO(try_read_all(at("folder/good")).error, EIO);
  for (const SeenRequest& request : spy.requests()) {
    EXPECT_THAT(request.headers, Not(HasSubstr("Bearer"))) << "the token went to another host";
  }
  EXPECT_EQ(spy.counters().connections, 0U);
  expect_all_well_after_healing();
}

TEST_F(BadServerTest, AFailedRelistingRemovesNothing) {
  mount({watchful});
  ASSERT_THAT(list().names, ElementsAre("good"));
  for (const std::string& faults :
       {listing_answers(500, "oops"), listing_answers(207, ""),
        listing_answers(200, "<html>login</html>", "text/html"),
        listing_answers(207, listing("").substr(0, 300)), listing_answers(503, "")}) {
    server_.set_faults(faults);
    const std::size_t before = server_.count("PROPFIND", "/folder");
    // Looked at until the daemon has asked again: the answer that is not current any more leads to that.
    EXPECT_TRUE(eventually([&] {
      EXPECT_THAT(list().names, ElementsAre("good"));
      EXPECT_EQ(try_read_all(at("folder/good")).bytes, pattern(1, 5000));
      return server_.count("PROPFIND", "/folder") > before;
    }));
    EXPECT_THAT(list().names, ElementsAre("good"));
  }
  expect_all_well_after_healing();
}

TEST_F(BadServerTest, ResetsInMidBodyNeverGiveWrongBytes) {
  constexpr std::size_t size = 8 * 1024 * 1024;
  write_file(share("folder/big"), pattern(2, size));
  mount({settled, "timeout=5s"});
  ASSERT_EQ(fs::file_size(at("folder/big")), size);
  for (const std::uint64_t after : {1U, 4096U, 100'000U, 1'000'000U}) {
    proxy_.set({.reset_after = after});
    const ReadOutcome outcome = try_read_all(at("folder/big"));
    EXPECT_EQ(sha256(outcome.bytes), sha256(pattern(2, outcome.bytes.size())));
    proxy_.set({.truncate_after = after});
    const ReadOutcome short_outcome = try_read_all(at("folder/big"));
    EXPECT_EQ(sha256(short_outcome.bytes), sha256(pattern(2, short_outcome.bytes.size())));
  }
  expect_all_well_after_healing();
}

TEST_F(BadServerTest, TooManyRequestsIsWaitedOutAsTheServerAsks) {
  mount({settled, "timeout=20s"});
  server_.set_faults(
      R"([{"method":"GET","path":"/dav/*","status":429,"headers":{"Retry-After":"1"},"count":1}])");
  EXPECT_GE(time_of([&] { EXPECT_EQ(try_read_all(at("folder/good")).bytes, pattern(1, 5000)); }),
            milliseconds(900));
  EXPECT_EQ(gets("folder/good"), 2U);
}

TEST_F(BadServerTest, AnExpiredTokenIsRenewedWithoutTheReaderNoticing) {
  mount({settled});
  server_.set_faults(R"([{"method":"GET","path":"/dav/*","status":401,"count":1}])");
  const ReadOutcome outcome = try_read_all(at("folder/good"));
  EXPECT_ERRNO(outcome.error, 0);
  EXPECT_EQ(outcome.bytes, pattern(1, 5000));
  EXPECT_EQ(server_.count("POST", "/devices/refresh"), 1U);
}

}  // namespace
}  // namespace nithronfs::test

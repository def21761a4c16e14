// The same tree through every kind of server: both profiles of the reference server, with and without TLS,
// HTTP/2 through Caddy, Apache's mod_dav and rclone. What the mount shows compares equal to the source.
#include <fmt/format.h>

#include "scenario.hpp"

namespace nithronfs::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr SampleTree five_thousand_files{.seed = 11, .small_files = 5000};

struct Flavour {
  const char* name;
  const char* profile;
  bool tls;
};

class ReferenceServerTest : public ::testing::TestWithParam<Flavour> {};

TEST_P(ReferenceServerTest, ShowsTheTreeAsItIs) {
  const RefServer server({.profile = GetParam().profile, .tls = GetParam().tls});
  make_sample_tree(server.share(), {.seed = 11, .small_files = 1000});
  Mount mount({.url = server.url() + "/share", .options = {settled}, .ca = server.certificate()});
  EXPECT_THAT(differences(server.share(), mount.root()), IsEmpty());
  const std::size_t requests = server.access_log().size();
  EXPECT_THAT(differences(server.share(), mount.root()), IsEmpty());
  EXPECT_EQ(server.access_log().size(), requests) << "the second comparison asked the server";
}

TEST_P(ReferenceServerTest, AllSharesOfTheAccountAreTopLevelDirectories) {
  const TempDir other;
  write_file(other / "in the other share", "x");
  const RefServer server({.profile = GetParam().profile,
                          .tls = GetParam().tls,
                          .extra = {"--share", "Other Things=" + other.path().string()}});
  write_file(server.share() / "file", "content");
  const Mount mount({.url = server.url(), .options = {settled}, .ca = server.certificate()});
  EXPECT_EQ(read_file(mount / "share/file"), "content");
  EXPECT_EQ(read_file(mount / "Other Things/in the other share"), "x");
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(mount.root())) names.push_back(entry.path().filename());
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("share", "Other Things"));
}

INSTANTIATE_TEST_SUITE_P(Flavours, ReferenceServerTest,
                         ::testing::Values(Flavour{"full", "full", false}, Flavour{"stock", "stock", false},
                                           Flavour{"full_tls", "full", true},
                                           Flavour{"stock_tls", "stock", true}),
                         [](const auto& flavour) { return std::string(flavour.param.name); });

TEST(CaddyTest, Http2InFrontOfTheReferenceServer) {
  const RefServer server;
  make_sample_tree(server.share(), {.seed = 11, .small_files = 1000});
  const CaddyServer caddy(server.port());
  const Mount mount({.url = caddy.url() + "/share", .options = {settled}, .ca = caddy.certificate()});
  EXPECT_THAT(differences(server.share(), mount.root()), IsEmpty());
  EXPECT_THAT(caddy.access_log(), HasSubstr(R"("proto":"HTTP/2.0","method":"PROPFIND")"));
}

TEST(TlsTest, AnUnknownCertificateIsRefusedInOneClearLine) {
  const RefServer server({.tls = true});
  const TempDir folder;
  write_file(folder / "password", RefServer::password);
  fs::permissions(folder / "password", fs::perms(0600));
  const Finished finished =
      run({.arguments = {programs().control, "login", server.url(), "--username", RefServer::user,
                         "--password-file", (folder / "password").string(), "--account",
                         (folder / "account.json").string()}});
  EXPECT_NE(finished.exit, (Exit{0, 0}));
  EXPECT_THAT(finished.output, HasSubstr("certificate"));
  EXPECT_FALSE(fs::exists(folder / "account.json"));
}

TEST(ApacheTest, FiveThousandFilesAndOddNamesCompareEqual) {
  const TempDir folder;
  make_sample_tree(folder / "tree", five_thousand_files);
  const ApacheServer server(folder / "tree");
  const Mount mount({.url = fmt::format("webdav+http://127.0.0.1:{}/dav", server.port()),
                     .options = {settled},
                     .log_in = false});
  EXPECT_THAT(differences(folder / "tree", mount.root()), IsEmpty());
}

TEST(RcloneTest, FiveThousandFilesAndOddNamesCompareEqual) {
  const TempDir folder;
  SampleTree sample = five_thousand_files;
  // rclone shows control characters as the pictures of them.
  sample.without = {"new\nline", "tab\tbed", "bell\x07"};
  make_sample_tree(folder / "tree", sample);
  const RcloneServer server(folder / "tree");
  const Mount mount({.url = fmt::format("webdav+http://127.0.0.1:{}/", server.port()),
                     .options = {settled},
                     .log_in = false});
  EXPECT_THAT(differences(folder / "tree", mount.root()), IsEmpty());
}

}  // namespace
}  // namespace nithronfs::test

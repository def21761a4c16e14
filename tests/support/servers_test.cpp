// The foreign servers come up with the features that the mount tests count on.
#include "servers.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nithronfs::test {
namespace {

using ::testing::HasSubstr;

Finished curl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"curl", "--silent", "--show-error", "--max-time", "10"});
  return run({.arguments = std::move(arguments)});
}

TEST(Servers, ApacheListsAndServesRanges) {
  const TempDir folder;
  fs::create_directory(folder / "tree");
  write_file(folder / "tree" / "a file", "0123456789");
  const ApacheServer server(folder / "tree");
  const std::string url = fmt::format("http://127.0.0.1:{}/dav/", server.port());
  EXPECT_THAT(curl({"-X", "PROPFIND", "-H", "Depth: 1", url}).output, HasSubstr("/dav/a%20file"));
  EXPECT_EQ(curl({"--range", "2-4", url + "a%20file"}).output, "234");
}

TEST(Servers, CaddySpeaksHttp2OverTls13) {
  const TempDir folder;
  write_file(folder / "file", "content");
  const RcloneServer backend(folder.path());
  const CaddyServer server(backend.port());
  EXPECT_EQ(curl({"--cacert", server.certificate().string(), "--tlsv1.3", "--write-out", "-%{http_version}",
                  server.url() + "/file"})
                .output,
            "content-2");
  EXPECT_TRUE(eventually([&] { return server.access_log().find("HTTP/2.0") != std::string::npos; }));
}

TEST(Servers, EndWithTheirObjects) {
  const TempDir folder;
  fs::create_directory(folder / "tree");
  std::uint16_t port = 0;
  {
    const ApacheServer server(folder / "tree");
    port = server.port();
    EXPECT_TRUE(accepts_connections(port));
  }
  EXPECT_FALSE(accepts_connections(port));
}

}  // namespace
}  // namespace nithronfs::test

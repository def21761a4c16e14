// TLS: 1.3 only, certificates checked, keys pinned.
#include <unistd.h>

#include <fstream>

#include "net_fixture.hpp"

namespace nithronfs::net {
namespace {

using nithronfs::testing::TlsIdentity;

// A certificate in a file for as long as the test needs it.
class CaFile {
 public:
  explicit CaFile(const std::string& pem) {
    const int fd = mkstemp(path_.data());
    if (fd < 0) throw std::runtime_error("mkstemp");
    ::close(fd);
    std::ofstream(path_) << pem;
  }
  CaFile(const CaFile&) = delete;
  CaFile& operator=(const CaFile&) = delete;
  ~CaFile() { unlink(path_.c_str()); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = ::testing::TempDir() + "nithronfs-ca-XXXXXX";
};

class TlsTest : public NetTest {
 protected:
  static HttpScriptServer::Handler hello() {
    return [](const ScriptRequest&) { return ScriptReply::ok("hello"); };
  }
  const TlsIdentity identity_ = TlsIdentity::generate();
  const CaFile ca_{identity_.certificate_pem};
};

TEST_F(TlsTest, ATrustedServerIsTalkedTo) {
  HttpScriptServer server(hello(), {.tls = identity_});
  const auto client = make_client(ClientOptions{.ca_file = ca_.path()});
  const auto response = get(*client, server.url("/"));
  ASSERT_OK(response);
  EXPECT_EQ(response->body, "hello");
  ASSERT_OK(get(*client, server.url("/")));
  EXPECT_EQ(server.connection_count(), 1U);
}

TEST_F(TlsTest, AnUnknownCertificateIsRefused) {
  HttpScriptServer server(hello(), {.tls = identity_});
  const auto client = make_client();
  const auto response = get(*client, server.url("/"));
  EXPECT_FAILS(response, Errc::protocol);
  EXPECT_NE(response.error().message.find("ca="), std::string::npos);
  EXPECT_EQ(server.request_count(), 0U);
}

TEST_F(TlsTest, ThePinnedKeyIsAccepted) {
  HttpScriptServer server(hello(), {.tls = identity_});
  const auto client =
      make_client(ClientOptions{.ca_file = ca_.path(), .pinned_pubkey = identity_.public_key_pin});
  ASSERT_OK(get(*client, server.url("/")));
}

TEST_F(TlsTest, AnotherKeyThanThePinnedOneIsRefused) {
  HttpScriptServer server(hello(), {.tls = identity_});
  const auto client = make_client(
      ClientOptions{.ca_file = ca_.path(), .pinned_pubkey = TlsIdentity::generate().public_key_pin});
  const auto response = get(*client, server.url("/"));
  EXPECT_FAILS(response, Errc::protocol);
  EXPECT_NE(response.error().message.find("pin"), std::string::npos);
  EXPECT_EQ(server.request_count(), 0U);
}

TEST_F(TlsTest, OlderTlsIsRefused) {
  HttpScriptServer server(hello(), {.tls = identity_, .only_tls12 = true});
  const auto client = make_client(ClientOptions{.ca_file = ca_.path()});
  EXPECT_FAILS(get(*client, server.url("/")), Errc::protocol);
  EXPECT_EQ(server.request_count(), 0U);
}

TEST_F(TlsTest, ACutOnTheTlsLevelIsNoEnd) {
  HttpScriptServer server(
      [](const ScriptRequest&) {
        return ScriptReply::raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").then_close();
      },
      {.tls = identity_});
  const auto client = make_client(ClientOptions{.ca_file = ca_.path()});
  EXPECT_FALSE(get(*client, server.url("/")));
}

TEST_F(TlsTest, AMissingCaFileIsNamed) {
  HttpScriptServer server(hello(), {.tls = identity_});
  const auto client = make_client(ClientOptions{.ca_file = "/nonexistent/ca.pem"});
  EXPECT_FAILS(get(*client, server.url("/")), Errc::invalid_argument);
}

}  // namespace
}  // namespace nithronfs::net

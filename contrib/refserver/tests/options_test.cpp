// The command line: what it takes, and that each mistake is named.
#include "../src/options.hpp"

#include <gtest/gtest.h>

#include "temp_dir.hpp"

namespace refserver {
namespace {

class OptionsTest : public ::testing::Test {
 protected:
  std::expected<Options, std::string> parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "nithron-refserver");
    storage_ = std::move(arguments);
    std::vector<char*> argv;
    for (auto& argument : storage_) argv.push_back(argument.data());
    argv.push_back(nullptr);
    return parse_options(static_cast<int>(argv.size()) - 1, argv.data());
  }
  std::string error(std::vector<std::string> arguments) {
    auto options = parse(std::move(arguments));
    return options ? "no error" : options.error();
  }
  std::vector<std::string> with(std::vector<std::string> more) {
    std::vector<std::string> all{"--listen", "127.0.0.1:0", "--state",
                                 "/tmp/x",   "--share",     "Docs=" + dir_.path().string(),
                                 "--user",   "ann:secret"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  testing::TempDir dir_;
  std::vector<std::string> storage_;
};

TEST_F(OptionsTest, TheUsual) {
  auto options =
      parse(with({"--share", "Ro=" + dir_.path().string() + ":ro", "--user",
                  "tom:pw:GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "--profile", "stock", "--exclude", "*.x"}));
  ASSERT_TRUE(options) << options.error();
  EXPECT_EQ(options->address, "127.0.0.1");
  EXPECT_EQ(options->port, 0);
  ASSERT_EQ(options->shares.size(), 2U);
  EXPECT_FALSE(options->shares[0].read_only);
  EXPECT_TRUE(options->shares[1].read_only);
  EXPECT_EQ(options->shares[1].directory, dir_.path());
  ASSERT_EQ(options->users.size(), 2U);
  EXPECT_EQ(options->users[0].password, "secret");
  EXPECT_EQ(options->users[1].totp_secret, "12345678901234567890");
  EXPECT_EQ(options->profile, Profile::stock);
  EXPECT_EQ(options->exclude_patterns.front(), "*.x");
  EXPECT_NE(std::find(options->exclude_patterns.begin(), options->exclude_patterns.end(), "*.tmp"),
            options->exclude_patterns.end());
}

TEST_F(OptionsTest, PasswordsLeaveTheArguments) {
  ASSERT_TRUE(parse(with({})));
  EXPECT_EQ(storage_.back(), "ann:******");
}

TEST_F(OptionsTest, Ipv6) {
  auto arguments = with({});
  arguments[1] = "[::1]:80";
  auto options = parse(arguments);
  ASSERT_TRUE(options);
  EXPECT_EQ(options->address, "::1");
  EXPECT_EQ(options->port, 80);
  arguments[1] = "::1:80";
  EXPECT_FALSE(parse(arguments));
}

TEST_F(OptionsTest, MistakesAreNamed) {
  EXPECT_EQ(error({}), "--listen ADDR:PORT is missing");
  EXPECT_NE(error(with({"--bogus"})).find("--bogus"), std::string::npos);
  EXPECT_NE(error(with({"extra"})).find("extra"), std::string::npos);
  EXPECT_NE(error(with({"--share", "X=/does/not/exist"})).find("/does/not/exist"), std::string::npos);
  EXPECT_NE(error(with({"--share", "docs=" + dir_.path().string()})).find("id \"docs\""), std::string::npos);
  EXPECT_NE(error(with({"--user", "ann:other"})).find("twice"), std::string::npos);
  EXPECT_NE(error(with({"--user", "bob:a:b"})).find("base32"), std::string::npos);
  EXPECT_NE(error(with({"--user", "bob"})).find("NAME:PASSWORD"), std::string::npos);
  EXPECT_NE(error(with({"--profile", "other"})).find("other"), std::string::npos);
  EXPECT_NE(error(with({"--tls-cert", "x"})).find("--tls-key"), std::string::npos);
  EXPECT_NE(error(with({"--login-limit", "0"})).find("--login-limit"), std::string::npos);
  EXPECT_NE(error(with({"--faults"})).find("--faults"), std::string::npos);
}

TEST_F(OptionsTest, ShareIds) {
  EXPECT_EQ(share_id_of("Media Files"), "media-files");
  EXPECT_EQ(share_id_of("docs"), "docs");
  EXPECT_NE(share_id_of("\xc3\xa4"), share_id_of("\xc3\xb6"));
}

}  // namespace
}  // namespace refserver

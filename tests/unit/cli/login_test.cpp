// The dialogue of login, and what it leaves behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "command_test.hpp"

namespace nithronfs::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class LoginTest : public CommandTest {
 protected:
  [[nodiscard]] std::string account_file() const {
    return remote::default_account_path(home_file(".config/nithronos"), "https://nas");
  }
  std::string password_file(const std::string& text) {
    std::ofstream(home_file("pw")) << text;
    return home_file("pw");
  }
};

TEST_F(LoginTest, AsksForWhatIsMissingAndHidesThePassword) {
  terminal_ = ScriptedTerminal({"anna", "s3cret"});
  EXPECT_EQ(run({"login", "https://nas/Photos"}), ExitCode::done) << err();
  ASSERT_THAT(terminal_.questions, SizeIs(2));
  EXPECT_EQ(terminal_.questions[0].prompt, "User name at https://nas: ");
  EXPECT_EQ(terminal_.questions[0].echo, Echo::on);
  EXPECT_EQ(terminal_.questions[1].prompt, "Password of anna: ");
  EXPECT_EQ(terminal_.questions[1].echo, Echo::off);
  const auto account = remote::AccountStore(account_file()).load();
  ASSERT_TRUE(account) << account.error().message;
  EXPECT_EQ(account->device_token, "nos_dt_1");
  EXPECT_EQ(account->device_name, "laptop");
  EXPECT_THAT(out(), AllOf(HasSubstr(account_file()), HasSubstr("nithronfs https://nas MOUNTPOINT")));
}

TEST_F(LoginTest, NeverPrintsASecret) {
  terminal_ = ScriptedTerminal({"anna", "wrong-pa55", "999"});
  EXPECT_EQ(run({"login", "https://nas"}), ExitCode::failed);
  EXPECT_THAT(out() + err(), AllOf(Not(HasSubstr("wrong-pa55")), Not(HasSubstr("999"))));
  terminal_ = ScriptedTerminal({"anna", "s3cret"});
  EXPECT_EQ(run({"login", "https://nas", "--json"}), ExitCode::done);
  EXPECT_THAT(out() + err(),
              AllOf(Not(HasSubstr("s3cret")), Not(HasSubstr("nos_dt_")), Not(HasSubstr("nos_rt_"))));
}

TEST_F(LoginTest, AScriptNeedsNoTerminal) {
  EXPECT_EQ(
      run({"login", "https://nas", "--username", "anna", "--password-file", password_file("s3cret\nrest"),
           "--device-name", "build host", "--account", "acc.json", "--json"}),
      ExitCode::done)
      << err();
  const auto json = nlohmann::json::parse(out());
  EXPECT_EQ(json["server"], "https://nas");
  EXPECT_EQ(json["device_name"], "build host");
  EXPECT_EQ(json["account"], home_file("acc.json"));
  struct stat status{};
  ASSERT_EQ(stat(home_file("acc.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(LoginTest, APasswordMayComeFromStandardInput) {
  in_.str("s3cret\n");
  EXPECT_EQ(run({"login", "https://nas", "--username", "anna", "--password-file", "-"}), ExitCode::done)
      << err();
}

TEST_F(LoginTest, WithoutATerminalItSaysWhichOptionIsMissing) {
  EXPECT_EQ(run({"login", "https://nas"}), ExitCode::wrong_use);
  EXPECT_THAT(err(), HasSubstr("--username is missing"));
  EXPECT_EQ(run({"login", "https://nas", "--username", "anna"}), ExitCode::wrong_use);
  EXPECT_THAT(err(), HasSubstr("--password-file is missing"));
  EXPECT_THAT(servers_.attempts, IsEmpty());
}

TEST_F(LoginTest, TheCodeIsAskedForWhenTheServerRefusesAndTriedOnce) {
  servers_.code = "123456";
  terminal_ = ScriptedTerminal({"anna", "s3cret", "123456"});
  EXPECT_EQ(run({"login", "https://nas"}), ExitCode::done) << err();
  ASSERT_THAT(servers_.attempts, SizeIs(2));
  EXPECT_EQ(servers_.attempts[0].code, "");
  EXPECT_EQ(servers_.attempts[1].code, "123456");
}

TEST_F(LoginTest, ACodeThatIsGivenSavesAnAttempt) {
  servers_.code = "123456";
  EXPECT_EQ(run({"login", "https://nas", "--username", "anna", "--password-file", password_file("s3cret"),
                 "--code", "123456"}),
            ExitCode::done);
  EXPECT_THAT(servers_.attempts, SizeIs(1));
}

TEST_F(LoginTest, NothingIsTriedTwiceWithTheSameCredentials) {
  terminal_ = ScriptedTerminal({"anna", "wrong", ""});
  EXPECT_EQ(run({"login", "https://nas"}), ExitCode::failed);
  EXPECT_THAT(servers_.attempts, SizeIs(1)) << "an empty code means: give up";
  EXPECT_EQ(run({"login", "https://nas", "--username", "anna", "--password-file", password_file("wrong"),
                 "--code", "1"}),
            ExitCode::failed);
  EXPECT_THAT(servers_.attempts, SizeIs(2));
  terminal_ = ScriptedTerminal();
  EXPECT_EQ(run({"login", "https://nas", "--username", "anna", "--password-file", password_file("wrong")}),
            ExitCode::failed);
  EXPECT_THAT(servers_.attempts, SizeIs(3));
  EXPECT_THAT(err(), HasSubstr("add --code"));
  EXPECT_FALSE(std::filesystem::exists(account_file()));
}

TEST_F(LoginTest, AnUnreachableServerHasItsOwnExitCode) {
  servers_.unreachable = true;
  EXPECT_EQ(run({"login", "https://nas", "--username", "anna", "--password-file", password_file("s3cret")}),
            ExitCode::not_reachable);
}

TEST_F(LoginTest, TheOldDeviceIsNamedWhenItIsReplaced) {
  const std::vector<std::string> words{"login",           "https://nas",           "--username",   "anna",
                                       "--password-file", password_file("s3cret"), "--device-name"};
  auto first = words;
  first.push_back("old");
  EXPECT_EQ(run(first), ExitCode::done);
  EXPECT_THAT(out(), Not(HasSubstr("replaces")));
  auto second = words;
  second.push_back("new");
  EXPECT_EQ(run(second), ExitCode::done);
  EXPECT_THAT(out(), HasSubstr("replaces the device \"old\""));
}

TEST_F(LoginTest, TrustComesFromOptionsOverTheConfigurationFile) {
  std::filesystem::create_directories(home_file(".config/nithronos"));
  std::ofstream(home_file(".config/nithronos/sync.json"))
      << R"({"ca": "/etc/file-ca.pem", "insecure": true})";
  const std::string key = "sha256//" + std::string(43, 'A') + "=";
  EXPECT_EQ(run({"login", "http://nas", "--username", "anna", "--password-file", password_file("s3cret"),
                 "--ca", "my.pem", "--pinnedpubkey", key}),
            ExitCode::done)
      << err();
  EXPECT_EQ(servers_.last_connection.ca, home_file("my.pem"));
  EXPECT_EQ(servers_.last_connection.pinned_pubkey, key);
  EXPECT_TRUE(servers_.last_connection.insecure);
  const auto account =
      remote::AccountStore(remote::default_account_path(home_file(".config/nithronos"), "http://nas")).load();
  ASSERT_TRUE(account);
  EXPECT_EQ(account->pinned_pubkey, key);
}

TEST_F(LoginTest, RefusesBeforeAskingWhatCannotWork) {
  terminal_ = ScriptedTerminal({"anna", "s3cret"});
  EXPECT_EQ(run({"login", "nas"}), ExitCode::wrong_use);
  EXPECT_EQ(run({"login", "http://nas"}), ExitCode::wrong_use);
  EXPECT_EQ(run({"login", "webdav+https://nas"}), ExitCode::wrong_use);
  std::ofstream(home_file("file")) << "";
  EXPECT_EQ(run({"login", "https://nas", "--account", "file/acc.json"}), ExitCode::failed);
  EXPECT_THAT(terminal_.questions, IsEmpty());
  EXPECT_THAT(servers_.attempts, IsEmpty());
}

class SharesTest : public CommandTest {};

TEST_F(SharesTest, AreListedForPeopleAndForScripts) {
  servers_.offered = {{.id = "1", .name = "Photos", .total_size = 1536, .file_count = 3, .read_only = true},
                      {.id = "2", .name = "B\xc3\xbc\x1b[31m", .total_size = 0, .file_count = 0}};
  EXPECT_EQ(run({"shares", "https://nas"}), ExitCode::done) << err();
  EXPECT_EQ(out(),
            "NAME        SIZE     FILES  ACCESS\n"
            "Photos      1.5 KiB  3      read-only\n"
            "B\xc3\xbc\\x1b[31m  0 B      0      read and write\n");
  EXPECT_EQ(run({"shares", "https://nas", "--json"}), ExitCode::done);
  const auto json = nlohmann::json::parse(out());
  EXPECT_EQ(json[0]["read_only"], true);
  EXPECT_EQ(json[1]["id"], "2");
}

TEST_F(SharesTest, TheServerMayBeKnownFromTheAccount) {
  const remote::AccountStore store(home_file("acc.json"));
  ASSERT_TRUE(store.save({.server = "https://elsewhere:8443", .username = "anna", .device_token = "t"}));
  EXPECT_EQ(run({"shares", "--account", "acc.json"}), ExitCode::done) << err();
  EXPECT_EQ(servers_.last_connection.origin, "https://elsewhere:8443");
  EXPECT_EQ(servers_.last_account_file, home_file("acc.json"));
  EXPECT_THAT(err(), HasSubstr("sees no shares"));
  EXPECT_EQ(run({"shares"}), ExitCode::wrong_use);
}

TEST_F(SharesTest, FailuresHaveTheirCodes) {
  servers_.unreachable = true;
  EXPECT_EQ(run({"shares", "https://nas"}), ExitCode::not_reachable);
  EXPECT_EQ(run({"shares", "--account", "missing.json"}), ExitCode::failed);
}

}  // namespace
}  // namespace nithronfs::cli

// The account file: private, replaced as a whole, locked between processes.
#include "nithronfs/remote/auth.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace nithronfs::remote {
namespace {

class AccountStoreTest : public ::testing::Test {
 protected:
  AccountStoreTest() {
    std::string pattern = ::testing::TempDir() + "nithronfs-account-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~AccountStoreTest() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string path() const { return directory_ + "/a/b/account.json"; }

  std::string directory_;
  const Account account_{.server = "https://nas", .device_token = "nos_dt_1", .refresh_token = "nos_rt_1"};
};

TEST_F(AccountStoreTest, SavesAndLoads) {
  const AccountStore store(path());
  ASSERT_TRUE(store.save(account_));
  const auto loaded = store.load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->device_token, "nos_dt_1");
  struct stat info{};
  ASSERT_EQ(stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  ASSERT_EQ(stat((directory_ + "/a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
}

TEST_F(AccountStoreTest, LeavesNothingElseBehind) {
  const AccountStore store(path());
  ASSERT_TRUE(store.save(account_));
  ASSERT_TRUE(store.save(account_));
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory_ + "/a/b")) ++files;
  EXPECT_EQ(files, 1U);
}

TEST_F(AccountStoreTest, AMissingFileSaysHowToLogIn) {
  const auto loaded = AccountStore(path()).load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::not_logged_in);
  EXPECT_NE(loaded.error().message.find("nithronctl login"), std::string::npos);
}

TEST_F(AccountStoreTest, AFileThatOthersCanReadIsNotUsed) {
  const AccountStore store(path());
  ASSERT_TRUE(store.save(account_));
  chmod(path().c_str(), 0640);
  const auto loaded = store.load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::permission);
  EXPECT_NE(loaded.error().message.find("chmod 600"), std::string::npos);
}

TEST_F(AccountStoreTest, ADamagedFileIsSaidToBe) {
  const AccountStore store(path());
  ASSERT_TRUE(store.save(account_));
  std::ofstream(path()) << "{\"version\":1, ";
  const auto loaded = store.load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::corrupt);
}

TEST_F(AccountStoreTest, AFailedSaveKeepsTheOldFile) {
  const AccountStore store(path());
  ASSERT_TRUE(store.save(account_));
  // The name that is to be replaced has become a directory with something in it.
  std::filesystem::remove(path());
  std::filesystem::create_directories(path() + "/x");
  EXPECT_FALSE(store.save(account_));
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory_ + "/a/b")) ++files;
  EXPECT_EQ(files, 1U);
}

TEST_F(AccountStoreTest, TheLockExcludes) {
  const AccountStore store(path());
  const AccountStore other(path());
  auto lock = store.lock();
  ASSERT_TRUE(lock) << lock.error().message;
  const auto refused = other.try_lock();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::busy);
  lock->reset();
  EXPECT_TRUE(other.try_lock());
}

TEST_F(AccountStoreTest, RemovingIsRepeatable) {
  const AccountStore store(path());
  ASSERT_TRUE(store.save(account_));
  EXPECT_TRUE(store.remove());
  EXPECT_TRUE(store.remove());
  EXPECT_EQ(store.load().error().code, Errc::not_logged_in);
}

TEST(DefaultAccountPathTest, IsOneFilePerServer) {
  EXPECT_EQ(default_account_path("/c", "https://NAS.local:8443/"), "/c/accounts/nas.local_8443.json");
  EXPECT_EQ(default_account_path("/c", "http://[::1]:80"), "/c/accounts/___1__80.json");
  EXPECT_EQ(default_account_path("/c", "https://a/../b").find("../"), std::string::npos);
}

}  // namespace
}  // namespace nithronfs::remote

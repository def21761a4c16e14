// Tokens: lifetimes, rotation in both profiles, limits, and that they outlive a restart.
#include "../src/devices.hpp"

#include <gtest/gtest.h>

#include "temp_dir.hpp"

namespace refserver {
namespace {

class DevicesTest : public ::testing::Test {
 protected:
  std::unique_ptr<Devices> open(Profile profile) {
    return std::make_unique<Devices>(profile, dir_ / "devices", DeviceSettings{}, [this] { return now_; });
  }
  static Device named(const std::string& name) { return {.user = "ann", .name = name, .type = "linux"}; }

  testing::TempDir dir_;
  std::int64_t now_ = 1'700'000'000;
};

TEST_F(DevicesTest, TokensAuthenticateTheirDevice) {
  auto devices = open(Profile::full);
  auto tokens = devices->add(named("laptop"));
  ASSERT_TRUE(tokens);
  EXPECT_TRUE(tokens->device_token.starts_with("nos_dt_"));
  EXPECT_TRUE(tokens->refresh_token.starts_with("nos_rt_"));
  auto device = devices->authenticate(tokens->device_token, "10.0.0.1");
  ASSERT_TRUE(device);
  EXPECT_EQ(device->name, "laptop");
  EXPECT_EQ(device->last_address, "10.0.0.1");
  EXPECT_FALSE(devices->authenticate(tokens->refresh_token, "a")) << "a refresh token opens nothing";
  EXPECT_FALSE(devices->refresh(tokens->device_token)) << "a device token refreshes nothing";
  EXPECT_FALSE(devices->authenticate("nos_dt_made-up", "a"));
}

TEST_F(DevicesTest, TokensExpire) {
  auto devices = open(Profile::full);
  auto tokens = devices->add(named("laptop"));
  now_ += std::int64_t{90} * 86400;
  EXPECT_FALSE(devices->authenticate(tokens->device_token, "a"));
  auto fresh = devices->refresh(tokens->refresh_token);
  ASSERT_TRUE(fresh);
  EXPECT_TRUE(devices->authenticate(fresh->device_token, "a"));
  now_ += std::int64_t{365} * 86400;
  EXPECT_FALSE(devices->refresh(fresh->refresh_token));
}

TEST_F(DevicesTest, FullKeepsTheOldPairUntilTheNewOneIsUsed) {
  auto devices = open(Profile::full);
  auto old = devices->add(named("laptop"));
  auto lost = devices->refresh(old->refresh_token);  // the answer never arrived
  ASSERT_TRUE(lost);
  EXPECT_TRUE(devices->authenticate(old->device_token, "a"));
  auto fresh = devices->refresh(old->refresh_token);
  ASSERT_TRUE(fresh);
  EXPECT_TRUE(devices->authenticate(fresh->device_token, "a"));
  EXPECT_FALSE(devices->authenticate(old->device_token, "a"));
  EXPECT_FALSE(devices->refresh(old->refresh_token));
  EXPECT_FALSE(devices->refresh(lost->refresh_token));
  EXPECT_TRUE(devices->refresh(fresh->refresh_token));
}

TEST_F(DevicesTest, FullBoundsPairsThatNobodyUsed) {
  auto devices = open(Profile::full);
  auto old = devices->add(named("laptop"));
  auto first = devices->refresh(old->refresh_token);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(devices->refresh(old->refresh_token));
  EXPECT_FALSE(devices->refresh(first->refresh_token));
  EXPECT_TRUE(devices->authenticate(old->device_token, "a"));
}

TEST_F(DevicesTest, StockKillsTheOldPairAtOnce) {
  auto devices = open(Profile::stock);
  auto old = devices->add(named("laptop"));
  ASSERT_TRUE(devices->refresh(old->refresh_token));
  EXPECT_FALSE(devices->authenticate(old->device_token, "a"));
  EXPECT_FALSE(devices->refresh(old->refresh_token));
}

TEST_F(DevicesTest, TwentyPerUser) {
  auto devices = open(Profile::full);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(devices->add(named("d" + std::to_string(i))));
  EXPECT_FALSE(devices->add(named("one too many")));
  auto other = named("another user's");
  other.user = "bob";
  EXPECT_TRUE(devices->add(other));
  auto list = devices->of_user("ann");
  ASSERT_EQ(list.size(), 20U);
  EXPECT_TRUE(devices->remove("ann", list[0].id));
  EXPECT_TRUE(devices->add(named("fits again")));
}

TEST_F(DevicesTest, DevicesOfOthersAreOutOfReach) {
  auto devices = open(Profile::full);
  auto tokens = devices->add(named("laptop"));
  EXPECT_FALSE(devices->find("bob", tokens->device_id));
  EXPECT_FALSE(devices->rename("bob", tokens->device_id, "mine"));
  EXPECT_FALSE(devices->remove("bob", tokens->device_id));
  EXPECT_TRUE(devices->rename("ann", tokens->device_id, "desk"));
  EXPECT_EQ(devices->find("ann", tokens->device_id)->name, "desk");
}

TEST_F(DevicesTest, ARemovedDeviceIsLockedOutAndForgotten) {
  auto devices = open(Profile::full);
  auto tokens = devices->add(named("laptop"));
  devices->put_document(tokens->device_id, "config", "{}");
  ASSERT_TRUE(devices->remove("ann", tokens->device_id));
  EXPECT_FALSE(devices->authenticate(tokens->device_token, "a"));
  EXPECT_FALSE(devices->refresh(tokens->refresh_token));
  EXPECT_FALSE(devices->document(tokens->device_id, "config"));
}

TEST_F(DevicesTest, ARestartForgetsNothingAndTheDiskHoldsNoToken) {
  auto devices = open(Profile::full);
  auto tokens = devices->add(named("laptop"));
  devices->authenticate(tokens->device_token, "10.0.0.1");
  devices->put_document(tokens->device_id, "config", "{\"paused\":true}");
  devices.reset();
  auto disk = testing::read_file(dir_ / "devices/data.mdb");
  ASSERT_NE(disk.find("laptop"), std::string::npos);
  EXPECT_EQ(disk.find(tokens->device_token.substr(7)), std::string::npos);
  EXPECT_EQ(disk.find(tokens->refresh_token.substr(7)), std::string::npos);
  devices = open(Profile::full);
  EXPECT_TRUE(devices->authenticate(tokens->device_token, "a"));
  EXPECT_EQ(devices->find("ann", tokens->device_id)->last_address, "a");
  EXPECT_EQ(devices->document(tokens->device_id, "config"), "{\"paused\":true}");
}

}  // namespace
}  // namespace refserver

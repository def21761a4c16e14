// com.nithron.NithronFS1(5), held against what a live mount says of itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dbus/handles.hpp"
#include "dbus/listener.hpp"
#include "dbus/names.hpp"
#include "fake_provider.hpp"
#include "files.hpp"
#include "manual.hpp"

namespace nithronfs::dbus {
namespace {

constexpr Nanos kPatience = std::chrono::seconds(20);

// The part of the introspection data that is about our own interface.
std::string introspect_mount(const std::string& socket, const std::string& path) {
  auto fd = connect_to(socket, kPatience);
  if (!fd) return fd.error().message;
  sd_bus* raw = nullptr;
  if (sd_bus_new(&raw) < 0) return "no connection";
  const BusHandle bus(raw);
  if (sd_bus_set_fd(raw, fd->get(), fd->get()) < 0) return "no connection";
  [[maybe_unused]] const int owned = fd->release();
  if (sd_bus_start(raw) < 0) return "no connection";
  BusError error;
  sd_bus_message* reply = nullptr;
  if (sd_bus_call_method(raw, nullptr, path.c_str(), "org.freedesktop.DBus.Introspectable", "Introspect",
                         error.get(), &reply, "") < 0) {
    return std::string(error.message());
  }
  const MessageHandle owner(reply);
  const char* xml = "";
  if (sd_bus_message_read(reply, "s", &xml) < 0) return "no text";
  const std::string text(xml);
  const auto begin = text.find(std::string("<interface name=\"") + kMountInterface);
  if (begin == std::string::npos) return "no interface in " + text;
  return text.substr(begin, text.find("</interface>", begin) - begin);
}

class DBusManual : public testing::Test {
 protected:
  void SetUp() override {
    auto server = start_server({.id = "00ff", .socket_path = file("s.sock")}, provider_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    live_ = introspect_mount(file("s.sock"), object_path("00ff"));
  }
  [[nodiscard]] std::string file(const std::string& name) const { return (directory_ / name).string(); }
  test::TempDir directory_;
  FakeProvider provider_;
  std::unique_ptr<Server> server_;
  std::string live_;
  const std::string page_ = source_text("man/com.nithron.NithronFS1.5");
};

// "NAME TYPE" of each.
TEST_F(DBusManual, PropertiesAreListedWithTheirTypes) {
  std::multiset<std::string> live;
  for (const std::string& name : all_matches(live_, R"re(<property name="(\w+)")re")) {
    const auto type = all_matches(live_, "<property name=\"" + name + "\" type=\"([^\"]+)\" access=\"read\"");
    ASSERT_EQ(type.size(), 1u) << name << " is not read-only in\n" << live_;
    live.insert(name + " No " + *type.begin());
  }
  EXPECT_FALSE(live.empty()) << live_;
  EXPECT_EQ(all_matches(section_of(page_, "Properties"), R"(\.It Va (\w+ No \w))"), live);
}

TEST_F(DBusManual, MethodsAreListedWithTheirTypes) {
  const std::string section = section_of(page_, "Methods");
  const auto live = all_matches(live_, R"re(<method name="(\w+)")re");
  EXPECT_FALSE(live.empty()) << live_;
  EXPECT_EQ(all_matches(section, R"re(\.It Fn (\w+) "")re"), live);
  for (const std::string& name : live) {
    const auto begin = live_.find("<method name=\"" + name);
    const std::string method = live_.substr(begin, live_.find("</method>", begin) - begin);
    EXPECT_TRUE(all_matches(method, R"re((direction="in"))re").empty())
        << name << " takes arguments: page them";
    const auto result = all_matches(method, R"re(type="([^"]+)" name="\w+" direction="out")re");
    ASSERT_EQ(result.size(), 1u) << method;
    EXPECT_NE(section.find(".It Fn " + name + " \"\" No \\(-> " + *result.begin() + "\n"), std::string::npos)
        << method;
  }
}

TEST_F(DBusManual, SignalsWouldHaveToBeListed) {
  EXPECT_TRUE(all_matches(live_, R"re(<signal name="(\w+)")re").empty());
}

TEST(DBusManualWords, EveryStateIsExplained) {
  const std::string page = source_text("man/com.nithron.NithronFS1.5");
  const std::string section = section_of(page, "Properties");
  for (int state = 0; state <= static_cast<int>(MountState::error); ++state) {
    const std::string word(name_of(static_cast<MountState>(state)));
    EXPECT_TRUE(all_matches(section, "\\b(" + word + ")\\b").contains(word)) << word;
  }
}

}  // namespace
}  // namespace nithronfs::dbus

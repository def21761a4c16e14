// What most mount tests start from: the reference server with a share, a proxy in front of it, and a mount.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "eventually.hpp"
#include "fault_proxy.hpp"
#include "mount.hpp"
#include "servers.hpp"
#include "trees.hpp"

namespace nithronfs::test {

// How long an answer counts as current. Tests that count requests take `settled`; tests that change things on
// the server take `watchful` and wait for the change.
inline constexpr const char* settled = "poll=24h";
inline constexpr const char* watchful = "poll=1s";

// "ENOENT" and so on, for readable expectations.
inline std::string name_of_errno(int error) {
  return error == 0 ? "success" : ::strerrorname_np(error);
}
#define EXPECT_ERRNO(actual, expected) EXPECT_EQ(name_of_errno(actual), name_of_errno(expected))

class MountTest : public ::testing::Test {
 protected:
  // Fill share() first. The mount talks to the server through the proxy.
  void mount(std::vector<std::string> options = {settled}) {
    mount_.emplace(
        MountSpec{.url = server_.url_via(proxy_.port()) + "/share", .options = std::move(options)});
  }

  [[nodiscard]] fs::path share(const std::string& name = "") const { return server_.share() / name; }
  [[nodiscard]] fs::path at(const std::string& name) const { return mount_->root() / name; }
  // Requests for file bodies so far.
  [[nodiscard]] std::size_t gets(const std::string& name = "") const {
    return server_.count("GET", "/dav/share/" + name);
  }

  RefServer server_;
  FaultProxy proxy_{server_.port()};
  std::optional<Mount> mount_;
};

// Makes the kernel forget the pages of this file, so that a read asks the daemon again. Works on the open
// file, so that it does not reopen it.
void forget_pages(int fd);
void forget_pages(const fs::path& path);

[[nodiscard]] std::uint64_t inode_of(const fs::path& path);  // 0: not there

}  // namespace nithronfs::test

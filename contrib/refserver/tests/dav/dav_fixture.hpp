// Calls WebDAV the way the HTTP front does, on a temporary directory and with a catalog that records.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../src/dav/dav.hpp"

namespace refserver::dav {

// A directory of its own, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Mounts a file system of 64 KiB on `directory`, seen by this process only; false where that is not allowed.
bool mount_tiny_disk(const std::filesystem::path& directory);

// Numbers versions like the real one: stable until the file changes, along with a rename. What the handlers
// report is kept as text ("created a", "renamed a b"). Asking it for an ETag while a mutation is held, other
// than through the mutation, is the dead-lock that the real one would give: it fails the test.
class RecordingCatalog final : public Catalog {
 public:
  explicit RecordingCatalog(Profile profile) : profile_(profile) {}

  std::unique_ptr<Mutation> mutate() override;
  std::string etag(std::string_view path, const struct stat& now) override;
  OrErrno<FileHash> hash(std::string_view, std::uint64_t) override { return std::unexpected(ENOTSUP); }

  std::vector<std::string> reports;
  bool held = false;

 private:
  class Held;
  std::string tag_of(const struct stat& now);
  std::uint64_t report(std::string text);

  const Profile profile_;
  std::map<std::pair<ino_t, std::int64_t>, int> versions_;  // (inode, mtime in ns)
  int last_version_ = 0;
  std::uint64_t sequence_ = 0;
};

// An answer with its body read to the end.
struct Answer {
  int status = 0;
  Headers headers;
  std::string body;
  bool broken = false;        // the stream broke off
  bool body_refused = false;  // answered before the body was asked for
  std::size_t largest_chunk = 0;

  std::string header(std::string_view name) const { return std::string(headers.get(name).value_or("")); }
};

Answer read_answer(Response response);

class DavFixture : public ::testing::Test {
 protected:
  explicit DavFixture(Profile profile);

  DavContext context(std::string_view user = "ann");
  Request request(std::string method, std::string_view url_path, Headers headers = {}) const;
  Answer send(const Request& request, std::string_view body = {}, std::string_view user = "ann");
  // `url_path` is below the share, percent-encoded.
  Answer send(std::string method, std::string_view url_path, Headers headers = {},
              std::string_view body = {});

  std::filesystem::path on_disk(std::string_view path) const { return root_.path() / path; }
  void write_file(std::string_view path, std::string_view content) const;
  std::string read_file(std::string_view path) const;
  bool exists(std::string_view path) const;
  std::vector<std::string> names_in(std::string_view path) const;  // sorted, hidden ones included
  std::string etag_of(std::string_view url_path);

  const Profile profile_;
  TemporaryDirectory root_;
  TemporaryDirectory state_directory_;
  std::chrono::steady_clock::time_point now_{};
  std::function<int(int fd)> sync_disk_ = [](int) { return 0; };  // tests need no real durability
  Share share_;
  RecordingCatalog catalog_;
  Database database_;
  DavState state_;
};

class FullDav : public DavFixture {
 protected:
  FullDav() : DavFixture(Profile::full) {}
};

class StockDav : public DavFixture {
 protected:
  StockDav() : DavFixture(Profile::stock) {}
};

// For what both profiles have in common.
class AnyDav : public DavFixture, public ::testing::WithParamInterface<Profile> {
 protected:
  AnyDav() : DavFixture(GetParam()) {}
};

}  // namespace refserver::dav

// A Vfs over a real tree and cache, with a server in memory that counts requests and fails on command.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nithronfs/vfs/vfs.hpp"

namespace nithronfs::vfs {

// Files and directories by path; "" is the root. Answers at once, or when release() is called.
class MemoryRemote final : public remote::Remote {
 public:
  struct Node {
    remote::Kind kind = remote::Kind::file;
    std::string bytes;
    int version = 1;
  };
  std::map<std::string, Node> nodes = {{"", {.kind = remote::Kind::directory}}};
  std::vector<std::string> requests;                         // "LIST path", "STAT path", "READ path"
  std::optional<Error> failure;                              // for every call while set
  bool hold = false;                                         // calls wait for release()
  std::vector<std::pair<std::string, std::string>> refused;  // href, reason: reported by every listing

  void put(const std::string& path, std::string bytes) {
    auto& node = nodes[path];
    node.kind = remote::Kind::file;
    node.bytes = std::move(bytes);
    ++node.version;
  }
  void mkdir(const std::string& path) { nodes[path] = {.kind = remote::Kind::directory}; }
  void remove(const std::string& path) { nodes.erase(path); }
  [[nodiscard]] std::size_t count(const std::string& prefix) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(requests, [&](const auto& request) { return request.starts_with(prefix); }));
  }
  void release() {
    hold = false;
    for (auto& resume : std::exchange(held_, {})) resume(0);
  }

  Task<Result<std::vector<remote::Share>>> shares(remote::CallOptions) override {
    co_return std::vector<remote::Share>{};
  }
  Task<Result<remote::Capabilities>> capabilities(remote::CallOptions) override {
    co_return remote::Capabilities{};
  }
  Task<Result<remote::Entry>> stat(std::string, std::string path, remote::CallOptions) override {
    co_await begin("STAT " + path);
    if (failure) co_return fail(*failure);
    if (!nodes.contains(path)) co_return fail(Errc::not_found, path);
    co_return entry("", nodes.at(path));
  }
  Task<Result<remote::Entry>> list(std::string, std::string path,
                                   std::shared_ptr<remote::ListingReceiver> receiver,
                                   remote::CallOptions) override {
    co_await begin("LIST " + path);
    if (failure) co_return fail(*failure);
    if (!nodes.contains(path)) co_return fail(Errc::not_found, path);
    const auto prefix = path.empty() ? "" : path + "/";
    for (const auto& [name, node] : nodes) {
      if (name.empty() || !name.starts_with(prefix)) continue;
      const auto rest = name.substr(prefix.size());
      if (rest.empty() || rest.find('/') != std::string::npos) continue;
      receiver->on_entry(entry(rest, node));
    }
    for (const auto& [href, reason] : refused) receiver->on_refused(href, reason);
    co_return entry("", nodes.at(path));
  }
  Task<Result<void>> read(std::string, std::string path, remote::Version version, remote::ByteRange range,
                          std::shared_ptr<remote::BytesReceiver> receiver, remote::CallOptions) override {
    co_await begin("READ " + path);
    if (failure) co_return fail(*failure);
    if (!nodes.contains(path)) co_return fail(Errc::not_found, path);
    const auto& node = nodes.at(path);
    if (!remote::same_version(entry("", node).version, version))
      co_return fail(Errc::stale, "another version");
    const auto bytes = std::as_bytes(std::span(node.bytes).subspan(range.offset, range.length));
    if (receiver->on_bytes(range.offset, bytes) == net::Flow::stop)
      co_return fail(Errc::cancelled, "stopped");
    co_return Result<void>{};
  }
  void resume(const std::shared_ptr<remote::BytesReceiver>&) override {}
  Task<Result<remote::Space>> space(std::string, remote::CallOptions) override {
    co_await begin("SPACE");
    if (failure) co_return fail(*failure);
    co_return remote::Space{.total_bytes = 1000, .available_bytes = 400};
  }
  bool atomic_versions() const override { return true; }
  bool online() const override { return !failure; }
  void network_changed() override {}

  static remote::Entry entry(std::string name, const Node& node) {
    remote::Entry result{.name = std::move(name), .kind = node.kind};
    result.version.mtime.seconds = 1000 + node.version;
    if (node.kind == remote::Kind::directory) return result;
    result.version.size = node.bytes.size();
    result.version.etag = '"' + std::to_string(node.version) + '"';
    return result;
  }

 private:
  Task<void> begin(std::string request) {
    requests.push_back(std::move(request));
    if (hold) co_await Callback<int>([this](auto done) { held_.push_back(std::move(done)); });
  }
  std::vector<Callback<int>::Done> held_;
};

class SilentLog final : public Log {
 public:
  SilentLog() : Log(LogLevel::debug) {}
  std::vector<std::string> lines;

 protected:
  void write(LogLevel, std::string_view line) override { lines.emplace_back(line); }
};

class ZeroRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override { std::ranges::fill(out, std::byte{0}); }
};

class RecordingObserver final : public Observer {
 public:
  std::vector<tree::Changes> seen;
  void changed(const tree::Changes& changes) override { seen.push_back(changes); }
  [[nodiscard]] bool told(NodeId directory, const std::string& name) const {
    return std::ranges::any_of(seen, [&](const auto& changes) {
      return changes.directory == directory && (std::ranges::count(changes.names, name) > 0 ||
                                                std::ranges::count(changes.removed_directories, name) > 0);
    });
  }
};

class VfsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "nithronfs-vfs-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory = pattern;
    start();
  }
  void TearDown() override {
    stop();
    std::filesystem::remove_all(directory);
  }
  void start() {
    auto state_opened = store::Environment::open(
        {.directory = directory + "/state", .map_size = std::size_t{16} << 20, .tables = {"meta"}});
    ASSERT_TRUE(state_opened) << state_opened.error().message;
    state = std::move(*state_opened);
    auto tables = tree::Tree::table_names();
    const auto tree_tables = tables.size();
    std::ranges::copy(cache::BlockCache::table_names(), std::back_inserter(tables));
    auto index_opened = store::Environment::open({.directory = directory + "/index",
                                                  .map_size = std::size_t{64} << 20,
                                                  .tables = tables,
                                                  .durability = store::Durability::unsynced});
    ASSERT_TRUE(index_opened) << index_opened.error().message;
    index = std::move(*index_opened);
    ids = std::move(*tree::NodeIds::open(*state, store::Table{0}));
    auto tree_opened = tree::Tree::open({.index = *index,
                                         .first_table = store::Table{0},
                                         .ids = *ids,
                                         .single_share = remote::Share{.id = "s", .name = "Share"}});
    ASSERT_TRUE(tree_opened) << tree_opened.error().message;
    tree = std::move(*tree_opened);
    const Seams seams{crank, random, log, crank, crank};
    auto cache_opened =
        cache::BlockCache::open({.directory = directory + "/cache",
                                 .index = *index,
                                 .first_table = store::Table{static_cast<std::uint32_t>(tree_tables)},
                                 .seams = seams});
    ASSERT_TRUE(cache_opened) << cache_opened.error().message;
    cache = std::move(*cache_opened);
    vfs = Vfs::create({*tree, *cache, server, seams}, options);
    vfs->observe(&observer);
  }
  void stop() {
    if (!vfs) return;
    server.release();
    crank.run_ready();
    vfs->shutdown();
    cache->shutdown();
    vfs.reset();
    cache.reset();
    tree.reset();
    ids.reset();
    crank.drop_all();
    index.reset();
    state.reset();
  }

  template <class T>
  struct Answer {
    std::optional<Result<T>> result;
    [[nodiscard]] bool pending() const { return !result.has_value(); }
    [[nodiscard]] bool ok() const { return result && result->has_value(); }
    [[nodiscard]] Errc error() const { return result && !*result ? result->error().code : Errc::io; }
    T& operator*() { return **result; }
  };
  // Each starts the operation and turns the crank until nothing moves by itself.
  std::shared_ptr<Answer<Attributes>> lookup(NodeId parent, const std::string& name, CancelToken token = {}) {
    auto answer = std::make_shared<Answer<Attributes>>();
    vfs->lookup(parent, name, token,
                [answer](Result<Attributes> result) { answer->result = std::move(result); });
    crank.run_ready();
    return answer;
  }
  std::shared_ptr<Answer<Attributes>> open_directory(NodeId node) {
    auto answer = std::make_shared<Answer<Attributes>>();
    vfs->open_directory(node, {},
                        [answer](Result<Attributes> result) { answer->result = std::move(result); });
    crank.run_ready();
    return answer;
  }
  std::shared_ptr<Answer<std::shared_ptr<OpenFile>>> open(NodeId node) {
    auto answer = std::make_shared<Answer<std::shared_ptr<OpenFile>>>();
    vfs->open(node, {}, [answer](auto result) { answer->result = std::move(result); });
    crank.run_ready();
    return answer;
  }
  std::shared_ptr<Answer<std::string>> read(const OpenFile& file, std::uint64_t offset, std::size_t length) {
    auto answer = std::make_shared<Answer<std::string>>();
    vfs->read(file, offset, length, {}, [answer](Result<cache::Slice> slice) {
      if (!slice) {
        answer->result = fail(slice.error());
        return;
      }
      if (slice->memory) {
        answer->result = std::string(slice->bytes_in_memory());
        return;
      }
      std::string bytes(slice->length, '\0');
      if (!bytes.empty()) {
        EXPECT_EQ(pread(slice->fd, bytes.data(), bytes.size(), static_cast<off_t>(slice->offset)),
                  static_cast<ssize_t>(bytes.size()));
      }
      answer->result = std::move(bytes);
    });
    crank.run_ready();
    return answer;
  }
  std::vector<std::string> names(NodeId node) {
    std::vector<std::string> result;
    const auto read = vfs->read_directory(node, 0, [&](const Entry& entry) {
      result.emplace_back(entry.name);
      return true;
    });
    EXPECT_TRUE(read);
    std::ranges::sort(result);
    return result;
  }
  void grow_old() { crank.advance(options.fresh_for + std::chrono::seconds(1)); }

  std::string directory;
  Options options;
  ManualExecutor crank;
  ZeroRandom random;
  SilentLog log;
  MemoryRemote server;
  RecordingObserver observer;
  std::unique_ptr<store::Environment> state;
  std::unique_ptr<store::Environment> index;
  std::unique_ptr<tree::NodeIds> ids;
  std::unique_ptr<tree::Tree> tree;
  std::unique_ptr<cache::BlockCache> cache;
  std::unique_ptr<Vfs> vfs;
};

}  // namespace nithronfs::vfs

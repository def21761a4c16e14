// The operations: answer from the tree and the cache, and ask the server where that is not enough.
#include "nithronfs/vfs/vfs.hpp"

#include <fmt/format.h>

#include <array>

#include "refresher.hpp"
#include "remote_file.hpp"
#include "waiting.hpp"

namespace nithronfs::vfs {

// Keeps the stream, and with it the File, open.
class OpenFile {
 public:
  explicit OpenFile(std::shared_ptr<cache::Stream> stream_in) : stream(std::move(stream_in)) {}
  const std::shared_ptr<cache::Stream> stream;
};

namespace {

// Confirming before an open may take this long; then what is known is opened, and reads are guarded by the
// version.
constexpr Nanos confirm_patience = std::chrono::seconds(3);
constexpr Nanos space_lifetime = std::chrono::seconds(30);
constexpr std::uint64_t block = 512;

constexpr std::array attribute_list = {"user.nithron.state", "user.nithron.cached_bytes",
                                       "user.nithron.durable"};

class VfsImpl final : public Vfs {
 public:
  VfsImpl(const Parts& parts, const Options& options)
      : parts_(parts), options_(options), refresher_(parts, options.fresh_for, options.timeout) {}

  void observe(Observer* observer) override { refresher_.observe(observer); }
  void lookup(NodeId parent, std::string_view name, CancelToken interrupt, Reply<Attributes> reply) override;
  Result<Attributes> attributes(NodeId node) const override;
  void open_directory(NodeId node, CancelToken interrupt, Reply<Attributes> reply) override;
  Result<void> read_directory(NodeId node, std::uint64_t after,
                              const std::function<bool(const Entry&)>& entry) const override;
  Result<NodeId> parent(NodeId node) const override;
  void open(NodeId node, CancelToken interrupt, Reply<std::shared_ptr<OpenFile>> reply) override;
  void read(const OpenFile& file, std::uint64_t offset, std::size_t length, CancelToken interrupt,
            cache::ReadDone done) override {
    parts_.cache.read(file.stream, offset, length, std::move(interrupt), std::move(done));
  }
  Result<std::string> attribute(NodeId node, std::string_view name) const override;
  Result<Space> space() override;
  void forget(NodeId node) override;
  Nanos negative_lifetime() const override { return options_.fresh_for; }
  std::vector<Problem> problems() const override { return refresher_.problems().list(); }
  bool busy() const override { return refresher_.busy(); }
  WallTime last_confirmed() const override { return refresher_.last_confirmed(); }
  void shutdown() override;

 private:
  Attributes attributes_of(const tree::Inode& inode) const;
  // What the tree says now; nothing when it does not know.
  std::optional<Result<Attributes>> known(NodeId parent, std::string_view name) const;
  Result<std::shared_ptr<OpenFile>> open_known(NodeId node);
  Result<std::uint64_t> cached_bytes(const tree::Inode& inode) const;
  void refresh_space();

  const Parts parts_;
  const Options options_;
  Refresher refresher_;

  mutable Mutex mutex_;
  std::optional<Space> space_ GUARDED_BY(mutex_);
  std::optional<SteadyTime> space_asked_ GUARDED_BY(mutex_);
  bool space_running_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::condition_variable_any idle_;
  CancelSource stop_;
};

Attributes VfsImpl::attributes_of(const tree::Inode& inode) const {
  const bool directory = inode.kind == remote::Kind::directory;
  const auto fallback = directory ? options_.directory_permissions : options_.file_permissions;
  Attributes attributes{.node = inode.node,
                        .ino = inode.ino,
                        .kind = inode.kind,
                        .permissions = options_.force_permissions ? fallback : inode.mode.value_or(fallback),
                        .uid = options_.uid,
                        .gid = options_.gid,
                        .size = inode.version.size,
                        .blocks = (inode.version.size + block - 1) / block,
                        .mtime = inode.version.mtime};
  if (options_.local_blocks && !directory) {
    attributes.blocks = (parts_.cache.cached_bytes(file_spec(inode)) + block - 1) / block;
  }
  return attributes;
}

std::optional<Result<Attributes>> VfsImpl::known(NodeId parent, std::string_view name) const {
  auto lookup = parts_.tree.lookup(parent, name);
  if (!lookup) return fail(lookup.error());
  if (const auto* found = std::get_if<tree::Found>(&*lookup)) return attributes_of(found->inode);
  if (std::holds_alternative<tree::Absent>(*lookup)) return fail(Errc::not_found, std::string(name));
  return std::nullopt;
}

void VfsImpl::lookup(NodeId parent, std::string_view name, CancelToken interrupt, Reply<Attributes> reply) {
  auto now = known(parent, name);
  if (now && (*now || now->error().code != Errc::not_found)) return reply(std::move(*now));
  if (now) {
    // Absent when it was last listed; believed as long as that is fresh, or nobody can be asked.
    const auto directory = parts_.tree.directory(parent);
    if (!directory || refresher_.fresh(directory->verified) || refresher_.away())
      return reply(std::move(*now));
  }
  const bool was_listed = now.has_value();
  const auto waiting = Waiting<Attributes>::begin(
      parts_.seams, was_listed ? confirm_patience : options_.timeout, interrupt, std::move(reply));
  refresher_.list(parent, [this, waiting, parent, was_listed, name = std::string(name)](Result<void> listed) {
    auto after = known(parent, name);
    if (after && (listed || was_listed || *after)) return waiting->answer(std::move(*after));
    waiting->answer(listed ? fail(Errc::not_found, name) : fail(listed.error()));
  });
}

Result<Attributes> VfsImpl::attributes(NodeId node) const {
  const auto inode = parts_.tree.inode(node);
  if (!inode) return fail(inode.error());
  return attributes_of(*inode);
}

void VfsImpl::open_directory(NodeId node, CancelToken interrupt, Reply<Attributes> reply) {
  const auto inode = parts_.tree.inode(node);
  if (!inode) return reply(fail(inode.error()));
  if (inode->kind != remote::Kind::directory) return reply(fail(Errc::not_directory, "not a directory"));
  const auto directory = parts_.tree.directory(node);
  if (!directory) return reply(fail(directory.error()));
  if (directory->listing == tree::DirectoryState::Listing::complete) {
    // What is known is shown at once; if it turns out to be old, the kernel is told (invariant 7).
    if (!refresher_.fresh(directory->verified)) refresher_.list_in_background(node);
    return reply(attributes_of(*inode));
  }
  const auto waiting =
      Waiting<Attributes>::begin(parts_.seams, options_.timeout, interrupt, std::move(reply));
  refresher_.list(node, [this, waiting, node](Result<void> listed) {
    const auto state = parts_.tree.directory(node);
    // Without the server the part that is known is listed (S4).
    if (listed || (state && state->entries > 0)) return waiting->answer(attributes(node));
    waiting->answer(fail(listed.error()));
  });
}

Result<void> VfsImpl::read_directory(NodeId node, std::uint64_t after,
                                     const std::function<bool(const Entry&)>& entry) const {
  return parts_.tree.read_directory(node, after, [&](const tree::DirectoryRow& row) {
    return entry({row.offset, row.name, attributes_of(row.inode)});
  });
}

Result<NodeId> VfsImpl::parent(NodeId node) const {
  const auto inode = parts_.tree.inode(node);
  if (!inode) return fail(inode.error());
  return inode->parent == NodeId::none ? node : inode->parent;
}

void VfsImpl::open(NodeId node, CancelToken interrupt, Reply<std::shared_ptr<OpenFile>> reply) {
  const auto inode = parts_.tree.inode(node);
  if (!inode) return reply(fail(inode.error()));
  const auto verified = parts_.tree.verified(*inode);
  if (inode->superseded || !verified || refresher_.fresh(*verified) || refresher_.away()) {
    return reply(open_known(node));
  }
  const auto waiting =
      Waiting<std::shared_ptr<OpenFile>>::begin(parts_.seams, options_.timeout, interrupt, std::move(reply));
  // Once it is known that nobody answers soon, what is here is opened (S4); reads are guarded by the version.
  parts_.seams.engine.post_at(parts_.seams.clock.steady() + std::min(confirm_patience, options_.timeout),
                              [this, node, weak = std::weak_ptr(waiting)] {
                                if (const auto late = weak.lock()) late->answer(open_known(node));
                              });
  refresher_.confirm(node, [this, waiting, node](const Result<void>&) { waiting->answer(open_known(node)); });
}

Result<std::shared_ptr<OpenFile>> VfsImpl::open_known(NodeId node) {
  const auto inode = parts_.tree.inode(node);
  if (!inode) return fail(inode.error());
  if (inode->kind == remote::Kind::directory) return fail(Errc::is_directory, "is a directory");
  if (inode->superseded) return fail(Errc::stale, "another version has the name now");
  auto location = parts_.tree.location(node);
  if (!location) return fail(location.error());
  const auto failed = [this, parent = inode->parent](const std::string& path, const Error& error) {
    refresher_.failures().failed("read", path, error);
    if (error.code == Errc::stale) refresher_.list_in_background(parent);
  };
  auto source = std::make_shared<RemoteFile>(parts_.remote, std::move(*location), inode->version, failed);
  auto stream = parts_.cache.stream(parts_.cache.file(file_spec(*inode), std::move(source)));
  return std::make_shared<OpenFile>(std::move(stream));
}

Result<std::uint64_t> VfsImpl::cached_bytes(const tree::Inode& inode) const {
  if (inode.kind == remote::Kind::file) return parts_.cache.cached_bytes(file_spec(inode));
  // Of a directory: what is cached of the files directly in it.
  std::vector<cache::FileSpec> files;
  const auto read = parts_.tree.read_directory(inode.node, 0, [&](const tree::DirectoryRow& row) {
    if (row.inode.kind == remote::Kind::file) files.push_back(file_spec(row.inode));
    return true;
  });
  if (!read) return fail(read.error());
  std::uint64_t total = 0;
  for (const auto& file : files) total += parts_.cache.cached_bytes(file);
  return total;
}

std::string_view state_of(bool whole, bool some) {
  if (whole) return "local";
  return some ? "partial" : "online-only";
}

Result<std::string> VfsImpl::attribute(NodeId node, std::string_view name) const {
  if (!name.starts_with("user.nithron.")) return fail(Errc::no_data, "no such attribute");
  const auto inode = parts_.tree.inode(node);
  if (!inode) return fail(inode.error());
  if (name == "user.nithron.durable")
    return "remote";  // this release changes nothing, so the server has it all
  if (name != "user.nithron.cached_bytes" && name != "user.nithron.state") {
    return fail(Errc::no_data, "no such attribute");
  }
  const auto bytes = cached_bytes(*inode);
  if (!bytes) return fail(bytes.error());
  if (name == "user.nithron.cached_bytes") return fmt::format("{}", *bytes);
  if (inode->kind == remote::Kind::file) {
    return std::string(state_of(*bytes == inode->version.size, *bytes > 0));
  }
  const auto directory = parts_.tree.directory(node);
  if (!directory) return fail(directory.error());
  return std::string(state_of(directory->listing == tree::DirectoryState::Listing::complete,
                              directory->listing == tree::DirectoryState::Listing::partial));
}

Result<Space> VfsImpl::space() {
  refresh_space();
  Space space;
  {
    const MutexLock lock(mutex_);
    space = space_.value_or(Space{});
  }
  const auto totals = parts_.tree.totals();
  if (!totals) return fail(totals.error());
  space.files = totals->inodes;
  return space;
}

// statfs never waits (S22): it tells what is known and asks for the next time.
void VfsImpl::refresh_space() {
  {
    const MutexLock lock(mutex_);
    const auto now = parts_.seams.clock.steady();
    if (stopping_ || space_running_ || (space_asked_ && now - *space_asked_ < space_lifetime)) return;
    space_asked_ = now;
    space_running_ = true;
  }
  const auto root = parts_.tree.location(NodeId::root);
  remote::CallOptions options{
      .priority = net::Priority::background, .deadline = options_.timeout, .cancel = stop_.token()};
  spawn(parts_.remote.space(root ? root->share : "", std::move(options)),
        [this](const Result<remote::Space>& space) {
          const MutexLock lock(mutex_);
          space_running_ = false;
          if (space) space_ = Space{space->total_bytes, space->available_bytes, 0};
          idle_.notify_all();
        });
}

void VfsImpl::forget(NodeId node) {
  if (const auto forgotten = parts_.tree.forget(node); !forgotten) {
    parts_.seams.log.debug("cannot release a node: {}", forgotten.error().message);
  }
}

void VfsImpl::shutdown() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  stop_.cancel();
  refresher_.shutdown();
  MutexLock lock(mutex_);
  while (space_running_) idle_.wait(lock);
}

}  // namespace

std::vector<std::string> Vfs::attribute_names() {
  return {attribute_list.begin(), attribute_list.end()};
}

std::unique_ptr<Vfs> Vfs::create(const Parts& parts, const Options& options) {
  return std::make_unique<VfsImpl>(parts, options);
}

}  // namespace nithronfs::vfs

// Compares names, and records what differs.
#include "catalog_batch.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>

#include "encoding.hpp"

namespace refserver {
namespace {

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

// Names in byte order, without "." and "..". errno on failure.
OrErrno<std::vector<std::string>> list_names(int directory_fd) {
  UniqueFd fd(::openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return std::unexpected(errno);
  std::unique_ptr<DIR, DirCloser> dir(::fdopendir(fd.get()));
  if (!dir) return std::unexpected(errno);
  fd.release();
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(dir.get());  // NOLINT(concurrency-mt-unsafe): the stream is ours alone
    if (entry == nullptr) break;
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return std::unexpected(errno);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

bool hidden_from_feed(const Share& share, std::string_view path) {
  return share.excludes(path) || !is_utf8(path);
}

CatalogBatch::CatalogBatch(const CatalogStore& store, const Share& share, DirectoryObserver* observer,
                           Journal journal)
    : store_(store),
      share_(share),
      observer_(observer),
      journal_(journal),
      txn_(store.database(), Transaction::Kind::write),
      counters_(store.counters(txn_)) {}

void CatalogBatch::commit(std::size_t journal_limit) {
  store_.put_counters(txn_, counters_);
  store_.trim_journal(txn_, journal_limit);
  txn_.commit();
}

// Files and directories; nothing else has a place in the catalog.
std::optional<CatalogBatch::Seen> CatalogBatch::relevant(const struct stat& status) {
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return std::nullopt;
  return Seen{Fingerprint::of(status), status.st_mode};
}

// --- Looking at the disk ------------------------------------------------------------------------------

CatalogBatch::Directory* CatalogBatch::open_directory(std::uint64_t id) {
  if (open_ && open_->id == id) return &*open_;
  auto path = store_.path_of(txn_, id);
  auto node = store_.node_by_id(txn_, id);
  if (!path || !node) return nullptr;
  auto fd = open_beneath(share_, *path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  struct stat status{};
  if (!fd || ::fstat(fd->get(), &status) != 0) return nullptr;
  if (id != root_id && status.st_ino != node->seen.inode) return nullptr;
  open_ = Directory{id, std::move(*path), std::move(*fd)};
  return &*open_;
}

std::optional<CatalogBatch::Seen> CatalogBatch::look(const Directory& directory,
                                                     const std::string& name) const {
  struct stat status{};
  if (name.starts_with(internal_prefix)) return std::nullopt;
  if (::fstatat(directory.fd.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return relevant(status);
}

bool CatalogBatch::settle_slot(const Slot& slot, Absence absence) {
  if (!store_.node_by_id(txn_, slot.parent)) return true;  // gone with everything below it
  auto* directory = open_directory(slot.parent);
  if (directory == nullptr) return false;
  auto actual = look(*directory, slot.name);
  if (!actual && absence == Absence::pending) return true;
  settle(slot.parent, std::string(directory->path), slot.name, store_.child(txn_, slot.parent, slot.name),
         actual);
  return true;
}

bool CatalogBatch::settle_rename(const Slot& from, const Slot& to) {
  auto node = store_.child(txn_, from.parent, from.name);
  auto* directory = open_directory(to.parent);
  auto from_parent_path = store_.path_of(txn_, from.parent);
  if (node && directory != nullptr && from_parent_path) {
    auto actual = look(*directory, to.name);
    if (actual && actual->fingerprint.inode == node->seen.inode && actual->is_dir() == node->is_dir()) {
      relocate(from, join_path(*from_parent_path, from.name), to, join_path(directory->path, to.name), *node,
               *actual);
    }
  }
  bool from_settled = settle_slot(from);
  return settle_slot(to) && from_settled;
}

void CatalogBatch::settle_path(std::string_view path) {
  std::uint64_t parent = root_id;
  while (!path.empty()) {
    auto slash = path.find('/');
    std::string name(path.substr(0, slash));
    settle_slot({parent, name});
    auto node = store_.child(txn_, parent, name);
    if (!node || !node->is_dir()) return;
    parent = node->id;
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
}

bool CatalogBatch::scan_directory(std::uint64_t id, Depth depth) {
  if (!store_.node_by_id(txn_, id)) return true;
  auto* directory = open_directory(id);
  if (directory == nullptr) return false;
  auto names = list_names(directory->fd.get());
  if (!names) return true;  // may not be read: nothing is known about its content, and nothing concluded
  std::map<std::string, std::optional<Seen>, std::less<>> actual;
  for (auto& name : *names) {
    auto seen = look(*directory, name);
    actual.emplace_hint(actual.end(), std::move(name), seen);
  }
  std::string path = directory->path;  // settle() may use the slot for an open directory itself
  std::vector<std::pair<std::string, Node>> known;
  store_.for_each_child(txn_, id,
                        [&](std::string_view name, const Node& node) { known.emplace_back(name, node); });
  for (const auto& [name, node] : known) {
    auto found = actual.find(name);
    settle(id, path, name, node, found == actual.end() ? std::nullopt : found->second);
    if (found != actual.end()) actual.erase(found);
    auto now = depth == Depth::everything && node.is_dir() ? store_.child(txn_, id, name) : std::nullopt;
    if (now && now->id == node.id) {
      if (observer_ != nullptr) observer_->directory_appeared(node.id, join_path(path, name));
      queue_.push_back(node.id);
    }
  }
  for (const auto& [name, seen] : actual) settle(id, path, name, std::nullopt, seen);
  return true;
}

bool CatalogBatch::scan_queued(Depth depth, std::size_t budget) {
  bool complete = true;
  while (!queue_.empty() && change_count_ < budget) {
    auto id = queue_.front();
    queue_.pop_front();
    complete = scan_directory(id, depth) && complete;
  }
  return complete;
}

// --- Recording ----------------------------------------------------------------------------------------

std::uint64_t CatalogBatch::settle(std::uint64_t parent, std::string_view parent_path, std::string_view name,
                                   const std::optional<Node>& known, const std::optional<Seen>& actual) {
  if (!known && !actual) return 0;
  auto path = join_path(parent_path, name);
  if (!known) return add(parent, name, path, *actual);
  if (!actual) return forget(parent, name, path, *known);
  bool same_kind = known->is_dir() == actual->is_dir();
  bool same_directory = same_kind && known->is_dir() && known->seen.inode == actual->fingerprint.inode;
  if (same_directory && known->mode == actual->mode) return 0;
  if (!same_directory && (!same_kind || known->is_dir())) {
    forget(parent, name, path, *known);
    return add(parent, name, path, *actual);
  }
  if (!known->is_dir() && known->seen == actual->fingerprint) return 0;
  return update(parent, name, path, *known, *actual);
}

std::uint64_t CatalogBatch::add(std::uint64_t parent, std::string_view name, std::string_view path,
                                const Seen& actual) {
  Node node{.id = ++counters_.last_id, .seen = actual.fingerprint, .mode = actual.mode};
  if (!node.is_dir()) {
    node.version = ++counters_.last_version;
    ++counters_.files;
    counters_.bytes += node.seen.size;
  }
  store_.put(txn_, parent, name, node);
  ++change_count_;
  auto seq = emit(ChangeKind::create, path, node);
  if (node.is_dir()) {
    if (observer_ != nullptr) observer_->directory_appeared(node.id, std::string(path));
    queue_.push_back(node.id);
  }
  return seq;
}

std::uint64_t CatalogBatch::update(std::uint64_t parent, std::string_view name, std::string_view path,
                                   Node node, const Seen& actual) {
  if (!node.is_dir()) {
    node.version = ++counters_.last_version;
    counters_.bytes += actual.fingerprint.size - node.seen.size;  // modular: may shrink
  }
  node.seen = actual.fingerprint;
  node.mode = actual.mode;
  store_.put(txn_, parent, name, node);
  ++change_count_;
  return emit(ChangeKind::modify, path, node);
}

std::uint64_t CatalogBatch::forget(std::uint64_t parent, std::string_view name, std::string_view path,
                                   const Node& node) {
  forget_rows(parent, name, node);
  return emit(ChangeKind::remove, path, node);
}

void CatalogBatch::forget_rows(std::uint64_t parent, std::string_view name, const Node& node) {
  struct Row {
    std::uint64_t parent;
    std::string name;
    Node node;
  };
  std::vector<Row> rows{{parent, std::string(name), node}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].node.is_dir()) continue;
    auto id = rows[i].node.id;
    store_.for_each_child(txn_, id, [&](std::string_view child_name, const Node& child) {
      rows.push_back({id, std::string(child_name), child});
    });
    if (observer_ != nullptr) observer_->directory_gone(id);
    if (open_ && open_->id == id) open_.reset();
  }
  for (const auto& row : rows) {
    store_.erase(txn_, row.parent, row.name, row.node.id);
    ++change_count_;
    if (row.node.is_dir()) continue;
    --counters_.files;
    counters_.bytes -= row.node.seen.size;
  }
}

std::uint64_t CatalogBatch::relocate(const Slot& from, const std::string& from_path, const Slot& to,
                                     const std::string& to_path, Node node, const Seen& actual) {
  if (auto displaced = store_.child(txn_, to.parent, to.name); displaced && displaced->id != node.id) {
    // A file that is replaced by a file is never missing, so its end gets no entry of its own.
    if (displaced->is_dir() || node.is_dir()) {
      forget(to.parent, to.name, to_path, *displaced);
    } else {
      forget_rows(to.parent, to.name, *displaced);
    }
  }
  const auto& now = actual.fingerprint;
  bool same_content =
      node.seen.inode == now.inode && node.seen.size == now.size && node.seen.mtime_ns == now.mtime_ns;
  if (!node.is_dir() && !same_content) node.version = ++counters_.last_version;
  if (!node.is_dir()) counters_.bytes += now.size - node.seen.size;
  node.seen = now;  // the change time moved with the rename
  node.mode = actual.mode;
  store_.move(txn_, from.parent, from.name, to.parent, to.name, node);
  open_.reset();  // its path may have changed
  ++change_count_;
  bool was_hidden = hidden_from_feed(share_, from_path);
  bool is_hidden = hidden_from_feed(share_, to_path);
  if (was_hidden && is_hidden) return 0;
  if (is_hidden) return emit(ChangeKind::remove, from_path, node);
  if (!was_hidden) return emit(ChangeKind::rename, to_path, node, from_path);
  auto seq = emit(ChangeKind::create, to_path, node);
  if (node.is_dir()) emit_tree(node.id, to_path);
  return seq;
}

void CatalogBatch::emit_tree(std::uint64_t id, const std::string& path) {
  std::vector<std::pair<std::string, Node>> children;
  store_.for_each_child(txn_, id, [&](std::string_view name, const Node& node) {
    children.emplace_back(join_path(path, name), node);
  });
  for (const auto& [child_path, node] : children) {
    emit(ChangeKind::create, child_path, node);
    if (node.is_dir()) emit_tree(node.id, child_path);
  }
}

std::uint64_t CatalogBatch::emit(ChangeKind kind, std::string_view path, const Node& node,
                                 std::string_view old_path) {
  if (journal_ == Journal::skip || hidden_from_feed(share_, path)) return 0;
  Change change{.seq = ++counters_.last_seq,
                .kind = kind,
                .path = std::string(path),
                .old_path = std::string(old_path),
                .node = node};
  store_.append(txn_, change);
  return change.seq;
}

// --- The server's own changes -------------------------------------------------------------------------

std::uint64_t CatalogBatch::own_change(std::string_view path, const struct stat& now) {
  auto parent_path = parent_of(path);
  auto parent = store_.node_at(txn_, parent_path);
  if (!parent) {
    settle_path(parent_path);
    parent = store_.node_at(txn_, parent_path);
  }
  auto actual = relevant(now);
  if (!parent || !actual) return 0;
  auto known = store_.child(txn_, parent->id, name_of(path));
  // A new file may have inode, size and times of the one that it replaced: the server knows better.
  if (known && !known->is_dir() && !actual->is_dir()) {
    return update(parent->id, name_of(path), path, *known, *actual);
  }
  return settle(parent->id, parent_path, name_of(path), known, actual);
}

std::uint64_t CatalogBatch::created(std::string_view path, const struct stat& now) {
  return own_change(path, now);
}
std::uint64_t CatalogBatch::modified(std::string_view path, const struct stat& now) {
  return own_change(path, now);
}

std::uint64_t CatalogBatch::removed(std::string_view path) {
  auto parent = store_.node_at(txn_, parent_of(path));
  auto known = parent ? store_.child(txn_, parent->id, name_of(path)) : std::nullopt;
  return known ? forget(parent->id, name_of(path), path, *known) : 0;
}

std::uint64_t CatalogBatch::renamed(std::string_view from, std::string_view to, const struct stat& now) {
  auto from_parent = store_.node_at(txn_, parent_of(from));
  auto to_parent = store_.node_at(txn_, parent_of(to));
  auto node = from_parent ? store_.child(txn_, from_parent->id, name_of(from)) : std::nullopt;
  auto actual = relevant(now);
  if (!node || !to_parent || !actual || node->is_dir() != actual->is_dir()) {
    // The catalog had not heard of the source yet: for it the target is new.
    removed(from);
    return own_change(to, now);
  }
  return relocate({from_parent->id, std::string(name_of(from))}, std::string(from),
                  {to_parent->id, std::string(name_of(to))}, std::string(to), *node, *actual);
}

}  // namespace refserver

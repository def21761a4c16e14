// A thin adaptor: decode, call vfs, reply exactly once. Changes are refused here; everything else is vfs's to
// decide.
#include "operations.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "request.hpp"

namespace nithronfs::fuse {
namespace {

using vfs::Attributes;
using vfs::NodeId;

// The kernel may remember for good: what changes is invalidated (Notifier), and OPEN is the safety net (K3).
constexpr double no_timeout = 1e9;
constexpr std::size_t block_size = 4096;
// Directory offsets of "." and ".."; the tree's own ids follow.
constexpr off_t dot_offset = 1;
constexpr off_t dot_dot_offset = 2;

Context& context(fuse_req_t request) {
  return *static_cast<Context*>(fuse_req_userdata(request));
}
NodeId node_id(fuse_ino_t ino) {
  return NodeId{ino};
}

void reply_error(fuse_req_t request, const Error& error) {
  fuse_reply_err(request, to_errno(error.code));
}

struct stat to_stat(const Attributes& attributes) {
  struct stat out{};
  out.st_ino = attributes.ino;
  const bool directory = attributes.kind == remote::Kind::directory;
  out.st_mode = (directory ? S_IFDIR : S_IFREG) | attributes.permissions;
  // 1 for directories, too: "not counted", so that find(1) does not conclude that there are no
  // subdirectories.
  out.st_nlink = 1;
  out.st_uid = attributes.uid;
  out.st_gid = attributes.gid;
  out.st_size = static_cast<off_t>(attributes.size);
  out.st_blksize = block_size;
  out.st_blocks = static_cast<blkcnt_t>(attributes.blocks);
  out.st_mtim = {static_cast<time_t>(attributes.mtime.seconds),
                 static_cast<long>(attributes.mtime.nanoseconds)};
  out.st_ctim = out.st_mtim;
  out.st_atim = out.st_mtim;
  return out;
}

fuse_entry_param to_entry(const Attributes& attributes) {
  fuse_entry_param entry{};
  entry.ino = static_cast<fuse_ino_t>(attributes.node);
  entry.attr = to_stat(attributes);
  entry.attr_timeout = no_timeout;
  entry.entry_timeout = no_timeout;
  return entry;
}

void init(void* user_data, fuse_conn_info* connection) {
  // Asked for one by one; what the kernel or libfuse lacks is simply not there (K16).
  const auto want = [connection](unsigned capability) {
    if ((connection->capable & capability) != 0) connection->want |= capability;
  };
  want(FUSE_CAP_ASYNC_READ);
  want(FUSE_CAP_PARALLEL_DIROPS);
  want(FUSE_CAP_READDIRPLUS);
  want(FUSE_CAP_SPLICE_WRITE);
  want(FUSE_CAP_SPLICE_MOVE);
  want(FUSE_CAP_EXPLICIT_INVAL_DATA);
  // Always, not when the kernel thinks that it pays (K7); and pages are never dropped for a changed mtime,
  // because a version has its own inode.
  connection->want &= ~static_cast<unsigned>(FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_AUTO_INVAL_DATA);
  connection->max_readahead = 1U << 20;
  connection->max_read = max_read;
  static_cast<Context*>(user_data)->on_ready();
}

void lookup(fuse_req_t raw, fuse_ino_t parent, const char* name) {
  auto& [vfs, seams, ready, handles] = context(raw);
  auto request = Request::interruptible(raw, seams.engine);
  const auto interrupt = request->interrupt();
  vfs.lookup(node_id(parent), name, interrupt,
             [&vfs, request = std::move(request)](Result<Attributes> found) {
               if (found) {
                 const auto entry = to_entry(*found);
                 fuse_reply_entry(request->take(), &entry);
               } else if (found.error().code == Errc::not_found && vfs.negative_lifetime() > Nanos(0)) {
                 fuse_entry_param absent{};
                 absent.entry_timeout = std::chrono::duration<double>(vfs.negative_lifetime()).count();
                 fuse_reply_entry(request->take(), &absent);
               } else {
                 reply_error(request->take(), found.error());
               }
             });
}

void forget(fuse_req_t request, fuse_ino_t ino, std::uint64_t) {
  context(request).vfs.forget(node_id(ino));
  fuse_reply_none(request);
}

void forget_multi(fuse_req_t request, std::size_t count, fuse_forget_data* forgets) {
  auto& vfs = context(request).vfs;
  for (std::size_t i = 0; i < count; ++i) vfs.forget(node_id(forgets[i].ino));
  fuse_reply_none(request);
}

void getattr(fuse_req_t request, fuse_ino_t ino, fuse_file_info*) {
  const auto attributes = context(request).vfs.attributes(node_id(ino));
  if (!attributes) return reply_error(request, attributes.error());
  const auto out = to_stat(*attributes);
  fuse_reply_attr(request, &out, no_timeout);
}

void open(fuse_req_t raw, fuse_ino_t ino, fuse_file_info* info) {
  if ((info->flags & O_ACCMODE) != O_RDONLY || (info->flags & O_TRUNC) != 0) {
    fuse_reply_err(raw, EROFS);
    return;
  }
  auto& [vfs, seams, ready, handles] = context(raw);
  auto request = Request::interruptible(raw, seams.engine);
  const auto interrupt = request->interrupt();
  vfs.open(
      node_id(ino), interrupt,
      [&handles, request = std::move(request), reply = *info](Result<HandleTable::Handle> opened) mutable {
        if (!opened) return reply_error(request->take(), opened.error());
        reply.fh = handles.add(std::move(*opened));
        reply.keep_cache = 1;  // one inode is one version: its pages are always right
        // When the caller is gone, no RELEASE follows.
        if (fuse_reply_open(request->take(), &reply) != 0) handles.remove(reply.fh);
      });
}

void release(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  context(request).handles.remove(info->fh);
  fuse_reply_err(request, 0);
}

void reply_slice(fuse_req_t request, const cache::Slice& slice) {
  if (slice.length == 0) {
    fuse_reply_buf(request, nullptr, 0);
    return;
  }
  if (slice.memory) {
    const auto bytes = slice.bytes_in_memory();
    fuse_reply_buf(request, bytes.data(), bytes.size());
    return;
  }
  fuse_bufvec data{};
  data.count = 1;
  data.buf[0].size = slice.length;
  data.buf[0].flags = static_cast<fuse_buf_flags>(FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK);
  data.buf[0].fd = slice.fd;
  data.buf[0].pos = static_cast<off_t>(slice.offset);
  fuse_reply_data(request, &data, static_cast<fuse_buf_copy_flags>(0));
}

void read(fuse_req_t raw, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info) {
  auto& [vfs, seams, ready, handles] = context(raw);
  const auto handle = handles.find(info->fh);
  if (!handle) {
    fuse_reply_err(raw, EBADF);
    return;
  }
  auto request = Request::interruptible(raw, seams.engine);
  const auto interrupt = request->interrupt();
  vfs.read(*handle, static_cast<std::uint64_t>(offset), size, interrupt,
           [request = std::move(request)](const Result<cache::Slice>& slice) {
             if (!slice) return reply_error(request->take(), slice.error());
             reply_slice(request->take(), *slice);
           });
}

void opendir(fuse_req_t raw, fuse_ino_t ino, fuse_file_info* info) {
  auto& [vfs, seams, ready, handles] = context(raw);
  auto request = Request::interruptible(raw, seams.engine);
  const auto interrupt = request->interrupt();
  vfs.open_directory(node_id(ino), interrupt,
                     [request = std::move(request), reply = *info](const Result<Attributes>& opened) mutable {
                       if (!opened) return reply_error(request->take(), opened.error());
                       reply.cache_readdir = 1;
                       reply.keep_cache = 1;
                       fuse_reply_open(request->take(), &reply);
                     });
}

void releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info*) {
  fuse_reply_err(request, 0);
}

// Fills one READDIR or READDIRPLUS answer.
class DirectoryBuffer {
 public:
  DirectoryBuffer(fuse_req_t request, std::size_t size, bool plus)
      : request_(request), bytes_(size), plus_(plus) {}

  // False when it does not fit any more.
  bool add(std::string_view name, const fuse_entry_param& entry, off_t next) {
    name_.assign(name);
    char* const at = bytes_.data() + used_;
    const auto room = bytes_.size() - used_;
    const auto needed = plus_ ? fuse_add_direntry_plus(request_, at, room, name_.c_str(), &entry, next)
                              : fuse_add_direntry(request_, at, room, name_.c_str(), &entry.attr, next);
    if (needed > room) return false;
    used_ += needed;
    return true;
  }
  // No node in it, so that the kernel counts no look-up.
  bool add_self(const char* name, std::uint64_t ino, off_t next) {
    fuse_entry_param entry{};
    entry.attr.st_ino = ino;
    entry.attr.st_mode = S_IFDIR;
    return add(name, entry, next);
  }
  void reply() const { fuse_reply_buf(request_, bytes_.data(), used_); }

 private:
  fuse_req_t request_;
  std::vector<char> bytes_;
  std::size_t used_ = 0;
  bool plus_;
  std::string name_;
};

Result<void> fill(vfs::Vfs& vfs, NodeId node, off_t offset, DirectoryBuffer& buffer) {
  if (offset < dot_dot_offset) {
    const auto self = vfs.attributes(node);
    if (!self) return fail(self.error());
    if (offset < dot_offset && !buffer.add_self(".", self->ino, dot_offset)) return {};
    const auto parent = vfs.parent(node);
    if (!parent) return fail(parent.error());
    const auto above = vfs.attributes(*parent);
    if (!above) return fail(above.error());
    if (!buffer.add_self("..", above->ino, dot_dot_offset)) return {};
    offset = dot_dot_offset;
  }
  return vfs.read_directory(node, static_cast<std::uint64_t>(offset - dot_dot_offset),
                            [&](const vfs::Entry& entry) {
                              return buffer.add(entry.name, to_entry(entry.attributes),
                                                static_cast<off_t>(entry.offset) + dot_dot_offset);
                            });
}

void list(fuse_req_t request, fuse_ino_t ino, std::size_t size, off_t offset, bool plus) {
  DirectoryBuffer buffer(request, size, plus);
  if (const auto filled = fill(context(request).vfs, node_id(ino), offset, buffer); !filled) {
    return reply_error(request, filled.error());
  }
  buffer.reply();
}

void readdir(fuse_req_t request, fuse_ino_t ino, std::size_t size, off_t offset, fuse_file_info*) {
  list(request, ino, size, offset, false);
}
void readdirplus(fuse_req_t request, fuse_ino_t ino, std::size_t size, off_t offset, fuse_file_info*) {
  list(request, ino, size, offset, true);
}

void statfs(fuse_req_t request, fuse_ino_t) {
  const auto space = context(request).vfs.space();
  if (!space) return reply_error(request, space.error());
  constexpr unsigned longest_name = 255;
  struct statvfs out{};
  out.f_bsize = block_size;
  out.f_frsize = block_size;
  out.f_blocks = space->total_bytes / block_size;
  out.f_bfree = space->available_bytes / block_size;
  out.f_bavail = out.f_bfree;
  out.f_files = space->files;
  out.f_namemax = longest_name;
  fuse_reply_statfs(request, &out);
}

// size 0 asks how much room the answer needs.
void reply_sized(fuse_req_t request, std::string_view value, std::size_t size) {
  if (size == 0) {
    fuse_reply_xattr(request, value.size());
  } else if (value.size() > size) {
    fuse_reply_err(request, ERANGE);
  } else {
    fuse_reply_buf(request, value.data(), value.size());
  }
}

void getxattr(fuse_req_t request, fuse_ino_t ino, const char* name, std::size_t size) {
  const auto value = context(request).vfs.attribute(node_id(ino), name);
  if (!value) return reply_error(request, value.error());
  reply_sized(request, *value, size);
}

void listxattr(fuse_req_t request, fuse_ino_t, std::size_t size) {
  std::string names;
  for (const auto& name : vfs::Vfs::attribute_names()) names.append(name).push_back('\0');
  reply_sized(request, names, size);
}

// The mount is read-only, so the kernel refuses most changes itself; these are for what still gets here.
void refuse(fuse_req_t request) {
  fuse_reply_err(request, EROFS);
}

fuse_lowlevel_ops make_operations() {
  fuse_lowlevel_ops table{};
  table.init = init;
  table.lookup = lookup;
  table.forget = forget;
  table.forget_multi = forget_multi;
  table.getattr = getattr;
  table.open = open;
  table.read = read;
  table.release = release;
  table.opendir = opendir;
  table.readdir = readdir;
  table.readdirplus = readdirplus;
  table.releasedir = releasedir;
  table.statfs = statfs;
  table.getxattr = getxattr;
  table.listxattr = listxattr;
  table.setattr = [](fuse_req_t r, fuse_ino_t, struct stat*, int, fuse_file_info*) { refuse(r); };
  table.mknod = [](fuse_req_t r, fuse_ino_t, const char*, mode_t, dev_t) { refuse(r); };
  table.mkdir = [](fuse_req_t r, fuse_ino_t, const char*, mode_t) { refuse(r); };
  table.unlink = [](fuse_req_t r, fuse_ino_t, const char*) { refuse(r); };
  table.rmdir = [](fuse_req_t r, fuse_ino_t, const char*) { refuse(r); };
  table.symlink = [](fuse_req_t r, const char*, fuse_ino_t, const char*) { refuse(r); };
  table.rename = [](fuse_req_t r, fuse_ino_t, const char*, fuse_ino_t, const char*, unsigned) { refuse(r); };
  table.link = [](fuse_req_t r, fuse_ino_t, fuse_ino_t, const char*) { refuse(r); };
  table.write = [](fuse_req_t r, fuse_ino_t, const char*, std::size_t, off_t, fuse_file_info*) { refuse(r); };
  table.create = [](fuse_req_t r, fuse_ino_t, const char*, mode_t, fuse_file_info*) { refuse(r); };
  table.setxattr = [](fuse_req_t r, fuse_ino_t, const char*, const char*, std::size_t, int) { refuse(r); };
  table.removexattr = [](fuse_req_t r, fuse_ino_t, const char*) { refuse(r); };
  table.fallocate = [](fuse_req_t r, fuse_ino_t, int, off_t, off_t, fuse_file_info*) { refuse(r); };
  // Left out on purpose: flush (nothing to send, and the kernel stops asking), lseek (K13), access
  // (default_permissions), fsync (nothing is dirty).
  return table;
}

}  // namespace

std::uint64_t HandleTable::add(Handle handle) {
  const MutexLock lock(mutex_);
  handles_.emplace(++last_, std::move(handle));
  return last_;
}

HandleTable::Handle HandleTable::find(std::uint64_t number) {
  const MutexLock lock(mutex_);
  const auto found = handles_.find(number);
  return found == handles_.end() ? nullptr : found->second;
}

void HandleTable::remove(std::uint64_t number) {
  Handle closing;  // closed after the lock was released
  const MutexLock lock(mutex_);
  if (auto node = handles_.extract(number)) closing = std::move(node.mapped());
}

void HandleTable::clear() {
  std::unordered_map<std::uint64_t, Handle> closing;
  const MutexLock lock(mutex_);
  closing.swap(handles_);
}

const fuse_lowlevel_ops& operations() {
  static const fuse_lowlevel_ops table = make_operations();
  return table;
}

}  // namespace nithronfs::fuse

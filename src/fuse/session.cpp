// Mounting, serving and unmounting.
#include "nithronfs/fuse/session.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <optional>
#include <vector>

#include "mount_table.hpp"
#include "nithronfs/util/mutex.hpp"
#include "notifier.hpp"
#include "operations.hpp"

namespace nithronfs::fuse {
namespace {

// The kernel reads ahead 128 KiB by default, which limits one sequential reader (K26).
constexpr unsigned kernel_readahead_kib = 1024;
constexpr unsigned worker_threads = 16;

class KernelSink final : public NotificationSink {
 public:
  explicit KernelSink(fuse_session* session) : session_(session) {}
  // The kernel answers ENOENT for what it does not know, and there is nothing else to do about any error.
  void forget_inode(vfs::NodeId node) override {
    fuse_lowlevel_notify_inval_inode(session_, static_cast<fuse_ino_t>(node), 0, 0);
  }
  void forget_entry(vfs::NodeId directory, const std::string& name) override {
    fuse_lowlevel_notify_inval_entry(session_, static_cast<fuse_ino_t>(directory), name.c_str(), name.size());
  }

 private:
  fuse_session* session_;
};

struct SessionDeleter {
  void operator()(fuse_session* session) const { fuse_session_destroy(session); }
};
struct LoopConfigDeleter {
  void operator()(fuse_loop_config* config) const { fuse_loop_cfg_destroy(config); }
};

// Commas and backslashes would end the option.
std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == ',' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string option_string(const MountOptions& options) {
  std::string text = "ro,default_permissions,subtype=nithronfs,fsname=" + escaped(options.source);
  text += fmt::format(",max_read={}", max_read);
  if (options.allow_other) text += ",allow_other";
  text += options.kernel.no_suid ? ",nosuid" : ",suid";
  text += options.kernel.no_dev ? ",nodev" : ",dev";
  if (options.kernel.no_exec) text += ",noexec";
  if (options.kernel.no_atime) text += ",noatime";
  return text;
}

void raise_kernel_readahead(const std::string& mountpoint) {
  const auto mount = find_mount(mountpoint);
  if (!mount) return;
  std::ofstream setting(fmt::format("/sys/class/bdi/{}/read_ahead_kb", mount->device));
  setting << kernel_readahead_kib;
}

class SessionImpl final : public Session {
 public:
  SessionImpl(vfs::Vfs& vfs, Seams seams, MountOptions options)
      : vfs_(vfs), seams_(seams), options_(std::move(options)), context_{vfs, seams, [] {}, {}} {}
  ~SessionImpl() override { unmount(); }

  Result<void> mount();
  Result<void> run(std::function<void()> on_ready) override;
  void stop() override;
  void unmount() override;

 private:
  vfs::Vfs& vfs_;
  const Seams seams_;
  const MountOptions options_;
  Context context_;
  std::unique_ptr<fuse_session, SessionDeleter> session_;
  std::unique_ptr<KernelSink> sink_;
  std::unique_ptr<Notifier> notifier_;
  bool mounted_ = false;

  Mutex mutex_;
  std::condition_variable_any ended_;
  std::optional<pthread_t> runner_ GUARDED_BY(mutex_);
};

Result<void> SessionImpl::mount() {
  std::string program = "nithronfs";
  std::string flag = "-o";
  std::string text = option_string(options_);
  std::vector<char*> arguments = {program.data(), flag.data(), text.data()};
  fuse_args args = FUSE_ARGS_INIT(static_cast<int>(arguments.size()), arguments.data());
  session_.reset(fuse_session_new(&args, &operations(), sizeof(fuse_lowlevel_ops), &context_));
  fuse_opt_free_args(&args);
  if (!session_) return fail(Errc::invalid_argument, "libfuse refuses the mount options \"" + text + "\"");
  if (fuse_session_mount(session_.get(), options_.mountpoint.c_str()) != 0) {
    return fail(
        Errc::permission,
        fmt::format("cannot mount at {}: see the line above; /dev/fuse must be there, and with allow_other "
                    "a user needs user_allow_other in /etc/fuse.conf",
                    options_.mountpoint));
  }
  mounted_ = true;
  sink_ = std::make_unique<KernelSink>(session_.get());
  notifier_ = std::make_unique<Notifier>(*sink_, seams_.log);
  vfs_.observe(notifier_.get());
  return {};
}

Result<void> SessionImpl::run(std::function<void()> on_ready) {
  context_.on_ready = [this, on_ready = std::move(on_ready)] {
    if (geteuid() == 0) raise_kernel_readahead(options_.mountpoint);
    on_ready();
  };
  // Only there to interrupt the wait of libfuse's main loop; see stop().
  struct sigaction wake_up{};
  wake_up.sa_handler = [](int) {};
  sigaction(SIGUSR1, &wake_up, nullptr);
  const std::unique_ptr<fuse_loop_config, LoopConfigDeleter> config(fuse_loop_cfg_create());
  fuse_loop_cfg_set_clone_fd(config.get(), 1);
  fuse_loop_cfg_set_max_threads(config.get(), worker_threads);
  fuse_loop_cfg_set_idle_threads(config.get(), worker_threads);
  {
    const MutexLock lock(mutex_);
    runner_ = pthread_self();
  }
  const int outcome = fuse_session_loop_mt(session_.get(), config.get());
  {
    const MutexLock lock(mutex_);
    runner_.reset();
    ended_.notify_all();
  }
  if (outcome < 0) return fail(system_error("the connection to the kernel broke", -outcome));
  return {};
}

void SessionImpl::stop() {
  // While requests are still served: a notification may wait for a lock that a request in the kernel's queue
  // holds.
  notifier_->stop();
  fuse_session_exit(session_.get());
  MutexLock lock(mutex_);
  // The loop looks at the exit flag and then waits; a signal in between is lost, so it is sent until it
  // worked.
  while (runner_) {
    pthread_kill(*runner_, SIGUSR1);
    ended_.wait_for(lock, std::chrono::milliseconds(20));
  }
}

void SessionImpl::unmount() {
  if (!mounted_) return;
  mounted_ = false;
  vfs_.observe(nullptr);
  if (notifier_) notifier_->stop();
  fuse_session_unmount(session_.get());
  context_.handles.clear();
}

}  // namespace

Result<std::unique_ptr<Session>> Session::mount(vfs::Vfs& vfs, Seams seams, MountOptions options) {
  auto session = std::make_unique<SessionImpl>(vfs, seams, std::move(options));
  if (auto mounted = session->mount(); !mounted) return fail(mounted.error());
  return session;
}

}  // namespace nithronfs::fuse

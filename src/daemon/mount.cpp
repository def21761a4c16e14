// The wiring of one mount, in the order of the house: from the databases up to the two doors.
#include "mount.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <optional>

#include "identity.hpp"
#include "nithronfs/fuse/session.hpp"
#include "nithronfs/net/http.hpp"
#include "nithronfs/remote/factory.hpp"
#include "nithronfs/store/index_stamp.hpp"
#include "nithronfs/tree/tree.hpp"
#include "nithronfs/util/block_on.hpp"
#include "status.hpp"

namespace nithronfs::daemon {
namespace {

constexpr std::uint32_t index_schema = 1;
constexpr unsigned disk_threads = 2;
// A mount that knows its share does not wait longer than this for the server to say hello.
constexpr Nanos hello_patience = std::chrono::seconds(3);

constexpr store::Table state_meta{0};

std::uint64_t file_system_size(const std::string& directory) {
  struct statvfs info{};
  if (statvfs(directory.c_str(), &info) != 0) return 0;
  return static_cast<std::uint64_t>(info.f_blocks) * info.f_frsize;
}

class MountImpl final : public Mount {
 public:
  MountImpl(const config::MountConfig& config, Log& log)
      : config_(config),
        engine_(clock_, "engine"),
        disk_(clock_, "disk", disk_threads),
        seams_{clock_, random_, log, engine_, disk_} {}
  ~MountImpl() override { end(); }

  Result<void> start();
  Result<void> serve(std::function<void()> on_ready) override;
  void stop() override { session_->stop(); }

 private:
  Result<void> open_databases();
  Result<void> open_remote();
  Result<void> meet_server();
  Result<remote::Share> find_share(bool known);
  Result<void> open_files();
  Result<void> open_doors();
  void end();

  const config::MountConfig& config_;
  SystemClock clock_;
  SystemRandom random_;
  ThreadExecutor engine_;
  ThreadExecutor disk_;
  const Seams seams_;
  std::unique_ptr<store::Environment> state_;
  std::unique_ptr<store::DisposableEnvironment> index_;
  std::unique_ptr<net::HttpClient> client_;
  std::unique_ptr<remote::Remote> remote_;
  std::optional<remote::Share> share_;  // a mount of one share
  std::unique_ptr<tree::NodeIds> ids_;
  std::unique_ptr<tree::Tree> tree_;
  std::unique_ptr<cache::BlockCache> cache_;
  std::unique_ptr<vfs::Vfs> vfs_;
  std::unique_ptr<fuse::Session> session_;
  std::unique_ptr<StatusProvider> status_;
  std::unique_ptr<dbus::Server> bus_;
  bool ended_ = false;
};

Result<void> MountImpl::start() {
  if (auto opened = open_databases(); !opened) return opened;
  if (auto opened = open_remote(); !opened) return opened;
  if (auto met = meet_server(); !met) return met;
  if (auto opened = open_files(); !opened) return opened;
  return open_doors();
}

Result<void> MountImpl::open_databases() {
  for (const auto& directory : {config_.cache_dir, config_.state_dir}) {
    if (auto made = config::make_private_directory(directory); !made) return made;
  }
  auto state = store::Environment::open({.directory = config_.state_dir + "/state",
                                         .map_size = std::size_t{1} << 30,
                                         .tables = {"meta"},
                                         .durability = store::Durability::synced});
  if (!state) return fail(state.error());
  state_ = std::move(*state);

  auto boot = store::current_boot_id();
  if (!boot) return fail(boot.error());
  auto tables = tree::Tree::table_names();
  std::ranges::copy(cache::BlockCache::table_names(), std::back_inserter(tables));
  auto index = store::DisposableEnvironment::open(
      {.options = {.directory = config_.cache_dir + "/index", .tables = std::move(tables)},
       .schema = index_schema,
       .boot_id = std::move(*boot)});
  if (!index) return fail(index.error());
  index_ = std::move(*index);
  if (!index_->discarded_because().empty()) {
    seams_.log.info("starting with an empty index ({}); complete files in the cache are used again",
                    index_->discarded_because());
  }
  return {};
}

Result<void> MountImpl::open_remote() {
  const auto& options = config_.options;
  net::ClientOptions client{.ca_file = options.ca,
                            .pinned_pubkey = options.pinnedpubkey,
                            .insecure = options.insecure,
                            .stall_timeout = options.timeout};
  remote::RemoteOptions remote{.base_url = config_.url.base_url(), .timeout = options.timeout};
  auto accounts = std::make_unique<remote::AccountStore>(
      options.account.empty() ? remote::default_account_path(config_.paths.config_dir, config_.url.origin())
                              : options.account);
  const bool nithron = config_.url.protocol == config::MountUrl::Protocol::nithron;
  if (nithron) {
    const auto account = accounts->load();
    if (!account) return fail(account.error());
    if (account->server != config_.url.origin()) {
      return fail(Errc::invalid_argument,
                  fmt::format("the account in {} is for {}, not for {}", accounts->path(), account->server,
                              config_.url.origin()));
    }
    if (client.pinned_pubkey.empty()) client.pinned_pubkey = account->pinned_pubkey;
  } else if (!options.account.empty()) {
    auto credentials = remote::load_webdav_credentials(options.account);
    if (!credentials) return fail(credentials.error());
    remote.username = std::move(credentials->username);
    remote.password = std::move(credentials->password);
  }
  auto made = net::make_http_client(client, seams_);
  if (!made) return fail(made.error());
  client_ = std::move(*made);
  remote_ = nithron ? remote::make_nithron_remote(*client_, seams_, std::move(remote), std::move(accounts))
                    : remote::make_webdav_remote(*client_, seams_, std::move(remote));
  return {};
}

// Asks for what decides how the mount works. Who was here before does not depend on the answer (S27).
Result<void> MountImpl::meet_server() {
  auto known = load_share(*state_, state_meta);
  if (!known) return fail(known.error());
  const bool one_share =
      config_.url.protocol == config::MountUrl::Protocol::webdav || !config_.url.share.empty();
  const auto patience = *known ? std::min(hello_patience, config_.options.timeout) : config_.options.timeout;
  if (const auto abilities = block_on(remote_->capabilities({.deadline = patience})); !abilities) {
    if (!*known && abilities.error().code == Errc::not_logged_in) return fail(abilities.error());
    seams_.log.warning("{}; going on with what is known", abilities.error().message);
  }
  if (!one_share) return {};
  auto share = find_share(known->has_value());
  if (share) {
    share_ = std::move(*share);
    return save_share(*state_, state_meta, *share_);
  }
  if (!*known || share.error().code == Errc::not_found) return fail(share.error());
  seams_.log.warning("{}; going on with what is known", share.error().message);
  share_ = std::move(**known);
  return {};
}

Result<remote::Share> MountImpl::find_share(bool known) {
  const auto patience = known ? std::min(hello_patience, config_.options.timeout) : config_.options.timeout;
  auto shares = block_on(remote_->shares({.deadline = patience}));
  if (!shares) return fail(shares.error());
  if (config_.url.protocol == config::MountUrl::Protocol::webdav) return shares->front();
  const auto found = std::ranges::find(*shares, config_.url.share, &remote::Share::name);
  if (found != shares->end()) return *found;
  std::vector<std::string> names;
  for (const auto& share : *shares) names.push_back(share.name);
  return fail(Errc::not_found, fmt::format("{} has no share \"{}\" for this account; it has: {}",
                                           config_.url.origin(), config_.url.share, fmt::join(names, ", ")));
}

Result<void> MountImpl::open_files() {
  auto ids = tree::NodeIds::open(*state_, state_meta);
  if (!ids) return fail(ids.error());
  ids_ = std::move(*ids);
  auto tree = tree::Tree::open(
      {.index = index_->environment(), .first_table = store::Table{0}, .ids = *ids_, .single_share = share_});
  if (!tree) return fail(tree.error());
  tree_ = std::move(*tree);

  const auto& options = config_.options;
  const auto disk_size = file_system_size(config_.cache_dir);
  auto cache = cache::BlockCache::open(
      {.directory = config_.cache_dir,
       .index = index_->environment(),
       .first_table = store::Table{static_cast<std::uint32_t>(tree::Tree::table_names().size())},
       .seams = seams_,
       .timeout = options.timeout,
       .max_bytes = options.cache_size.of(disk_size),
       .min_free_bytes = options.min_free.of(disk_size)});
  if (!cache) return fail(cache.error());
  cache_ = std::move(*cache);

  vfs_ = vfs::Vfs::create({*tree_, *cache_, *remote_, seams_},
                          {.uid = options.uid.value_or(getuid()),
                           .gid = options.gid.value_or(getgid()),
                           .file_permissions = options.effective_file_mode(),
                           .directory_permissions = options.effective_dir_mode(),
                           .fresh_for = options.poll,
                           .timeout = options.timeout,
                           .local_blocks = options.local_blocks});
  return {};
}

Result<void> MountImpl::open_doors() {
  auto session = fuse::Session::mount(*vfs_, seams_,
                                      {.mountpoint = config_.mountpoint,
                                       .source = config_.url.to_string(),
                                       .allow_other = config_.allow_other,
                                       .kernel = {.no_exec = config_.options.kernel.no_exec,
                                                  .no_suid = config_.options.kernel.no_suid,
                                                  .no_dev = config_.options.kernel.no_dev,
                                                  .no_atime = config_.options.kernel.no_atime}});
  if (!session) return fail(session.error());
  session_ = std::move(*session);

  status_ = std::make_unique<StatusProvider>(
      StatusProvider::Parts{config_, *vfs_, *cache_, *tree_, *remote_, *client_,
                            config_.options.cache_size.of(file_system_size(config_.cache_dir))});
  if (auto made = config::make_private_directory(config_.paths.runtime_dir); !made) return made;
  auto bus = dbus::start_server({.id = config_.id,
                                 .socket_path = config_.socket_path,
                                 .bus = getuid() == 0 ? dbus::Bus::system : dbus::Bus::session},
                                *status_);
  if (!bus) return fail(bus.error());
  bus_ = std::move(*bus);
  return {};
}

Result<void> MountImpl::serve(std::function<void()> on_ready) {
  auto served = session_->run(std::move(on_ready));
  end();
  return served;
}

// First everything that could still answer a request, then the connection to the kernel, then what they stood
// on.
void MountImpl::end() {
  if (std::exchange(ended_, true)) return;
  bus_.reset();
  if (vfs_) vfs_->shutdown();
  if (cache_) cache_->shutdown();
  if (session_) session_->unmount();
  engine_.stop();
  disk_.stop();
}

}  // namespace

Result<std::unique_ptr<Mount>> Mount::start(const config::MountConfig& config, Log& log) {
  auto mount = std::make_unique<MountImpl>(config, log);
  if (auto started = mount->start(); !started) return fail(started.error());
  return mount;
}

}  // namespace nithronfs::daemon

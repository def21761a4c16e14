// Puts the parts together, in the order in which they need each other.
#include "server.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "access_log.hpp"
#include "dav/dav.hpp"
#include "faults.hpp"
#include "http_server.hpp"
#include "log.hpp"
#include "router.hpp"
#include "server_context.hpp"
#include "tls.hpp"

namespace refserver {
namespace {

// Room for the whole share as a cursor in the query (stock), up to a share of some 25,000 files.
constexpr std::size_t stock_connection_memory = 4 * 1024 * 1024;

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

bool is_beneath(const std::filesystem::path& inner, const std::filesystem::path& outer) {
  auto relative =
      std::filesystem::weakly_canonical(inner).lexically_relative(std::filesystem::canonical(outer));
  return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

struct Server::Impl {
  UniqueFd state_lock;
  std::unique_ptr<Accounts> accounts;
  std::unique_ptr<Devices> devices;
  ServerContext context;
  std::unique_ptr<Database> dav_database;
  std::unique_ptr<DavState> dav_state;
  std::unique_ptr<Faults> faults;
  std::unique_ptr<AccessLog> access_log;
  std::unique_ptr<Router> router;
  std::unique_ptr<HttpServer> http;

  ~Impl() {
    // Whoever waits is woken first, because the HTTP server waits for all its handlers.
    if (faults) faults->stop();
    for (auto& served : context.shares) {
      if (served.full) served.full->stop();
    }
    http.reset();
  }

  std::optional<std::string> lock_state(const Options& options);
  std::optional<std::string> open_share(const Options& options, const ShareOption& wanted);
  std::optional<std::string> open_tools(const Options& options);
  std::optional<std::string> open_http(const Options& options);
  std::unique_ptr<Exchange> open(const Request& request);
  std::unique_ptr<Exchange> open_dav(const Request& request, const Caller& caller) const;
};

std::optional<std::string> Server::Impl::lock_state(const Options& options) {
  std::error_code error;
  std::filesystem::create_directories(options.state, error);
  if (error) return fmt::format("--state {}: {}", options.state.string(), error.message());
  auto file = options.state / "lock";
  state_lock.reset(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!state_lock) return fmt::format("{}: {}", file.string(), std::strerror(errno));
  if (::flock(state_lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return fmt::format("{} is in use by another server", options.state.string());
  }
  return std::nullopt;
}

std::optional<std::string> Server::Impl::open_share(const Options& options, const ShareOption& wanted) {
  if (is_beneath(options.state, wanted.directory)) {
    return fmt::format("the state directory must not lie inside the share {}", wanted.name);
  }
  ServedShare served;
  served.share = std::make_unique<Share>();
  auto& share = *served.share;
  share.id = share_id_of(wanted.name);
  share.name = wanted.name;
  share.root = std::filesystem::canonical(wanted.directory);
  share.root_fd.reset(::open(share.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!share.root_fd) return fmt::format("--share {}: {}", wanted.name, std::strerror(errno));
  // Old kernels and strict containers lack openat2; without it nothing could be served safely.
  if (auto usable = open_beneath(share, "", O_PATH | O_DIRECTORY); !usable) {
    return fmt::format("--share {}: cannot resolve paths beneath it (openat2): {}", wanted.name,
                       std::strerror(usable.error()));
  }
  share.read_only = wanted.read_only;
  share.follow_inner_symlinks = options.profile == Profile::stock;
  share.exclude_patterns = options.exclude_patterns;
  share.max_size = options.max_file_size;
  if (!share.read_only) sweep_leftovers(share);
  if (options.profile == Profile::stock) {
    served.stock = std::make_unique<StockCatalog>(share);
  } else {
    served.full =
        std::make_unique<FullCatalog>(share, options.state / "shares" / share.id, options.journal_limit);
    served.watcher =
        std::make_unique<Watcher>(share, *served.full, std::chrono::seconds(options.scan_interval_seconds));
    served.watcher->start();
  }
  context.shares.push_back(std::move(served));
  return std::nullopt;
}

std::optional<std::string> Server::Impl::open_tools(const Options& options) {
  if (!options.faults.empty()) {
    auto loaded = Faults::load(options.faults);
    if (!loaded) return loaded.error();
    faults = std::move(*loaded);
  }
  if (!options.access_log.empty()) {
    auto opened = AccessLog::open(options.access_log);
    if (!opened) return opened.error();
    access_log = std::move(*opened);
  }
  return std::nullopt;
}

std::optional<std::string> Server::Impl::open_http(const Options& options) {
  HttpSettings settings{.address = options.address, .port = options.port};
  if (options.profile == Profile::stock) settings.connection_memory = stock_connection_memory;
  if (options.tls_self_signed || !options.tls_key.empty()) {
    auto directory = options.state / "tls";
    auto identity = options.tls_self_signed ? self_signed_identity(directory, options.address)
                                            : read_identity(options.tls_certificate, options.tls_key);
    if (!identity) return identity.error();
    auto pin = public_key_pin(identity->certificate_pem);
    if (!pin) return pin.error();
    log("certificate {}, public key pin {}",
        (options.tls_self_signed ? directory / "cert.pem" : options.tls_certificate).string(), *pin);
    settings.tls = std::move(*identity);
  }
  auto started = HttpServer::start(settings, [this](const Request& request) { return open(request); });
  if (!started) return started.error();
  http = std::move(*started);
  return std::nullopt;
}

std::unique_ptr<Exchange> Server::Impl::open(const Request& request) {
  auto inner = [this](const Request& asked) { return router->open(asked); };
  auto exchange = faults ? faults->open(request, inner) : inner(request);
  return access_log ? access_log->watch(request, std::move(exchange)) : std::move(exchange);
}

std::unique_ptr<Exchange> Server::Impl::open_dav(const Request& request, const Caller& caller) const {
  auto find_share = [this](std::string_view id) -> std::optional<DavShare> {
    const auto* served = context.find_share(id);
    if (served == nullptr) return std::nullopt;
    return DavShare{served->share.get(), &served->catalog()};
  };
  return make_dav_exchange(request, {context.profile, dav_state.get(), caller.user, find_share});
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;
std::string Server::url() const {
  return impl_->http->url();
}

std::expected<std::unique_ptr<Server>, std::string> Server::start(const Options& options) {
  raise_descriptor_limit();
  auto impl = std::make_unique<Impl>();
  if (auto problem = impl->lock_state(options)) return std::unexpected(*problem);
  impl->accounts = std::make_unique<Accounts>(options.profile, options.accounts);
  for (const auto& user : options.users) impl->accounts->add(user.name, user.password, user.totp_secret);
  impl->devices = std::make_unique<Devices>(options.profile, options.state / "devices", options.devices);
  impl->context.profile = options.profile;
  impl->context.accounts = impl->accounts.get();
  impl->context.devices = impl->devices.get();
  impl->context.session_seconds = options.accounts.session_seconds;
  if (options.profile == Profile::stock) {
    impl->context.stock_token_cost = std::chrono::milliseconds(options.stock_token_cost_ms);
  }
  for (const auto& share : options.shares) {
    if (auto problem = impl->open_share(options, share)) return std::unexpected(*problem);
  }
  if (auto problem = impl->open_tools(options)) return std::unexpected(*problem);
  impl->dav_database = std::make_unique<Database>(options.state / "dav", 4);
  impl->dav_state = std::make_unique<DavState>(*impl->dav_database, std::chrono::steady_clock::now);
  impl->router = std::make_unique<Router>(impl->context,
                                          [raw = impl.get()](const Request& request, const Caller& caller) {
                                            return raw->open_dav(request, caller);
                                          });
  if (auto problem = impl->open_http(options)) return std::unexpected(*problem);
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

}  // namespace refserver

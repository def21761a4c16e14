// Turns the network's tasks into calls that wait, and tells the user when waiting takes long.
#include "servers.hpp"

#include <fmt/format.h>

#include <future>

#include "nithronfs/net/http.hpp"
#include "nithronfs/remote/factory.hpp"
#include "nithronfs/util/log.hpp"
#include "nithronfs/util/seams.hpp"

namespace nithronfs::cli {

namespace {

constexpr auto kSilence = std::chrono::seconds(1);

// Everything that the network modules want of the outside world. Nothing is logged below errors: the command
// itself says what went wrong, once.
class Runtime {
 public:
  static Result<std::unique_ptr<Runtime>> make() {
    auto log = make_log({.level = LogLevel::error, .target = LogTarget::console, .file = {}});
    if (!log) return fail(std::move(log.error()));
    return std::unique_ptr<Runtime>(new Runtime(std::move(*log)));
  }
  [[nodiscard]] Seams seams() { return {clock_, random_, *log_, engine_, disk_}; }

 private:
  explicit Runtime(std::unique_ptr<Log> log) : log_(std::move(log)) {}
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<Log> log_;
  ThreadExecutor engine_{clock_, "engine"};
  ThreadExecutor disk_{clock_, "disk"};
};

class NetworkServers final : public Servers {
 public:
  explicit NetworkServers(std::ostream& err) : err_(err) {}

  Result<remote::Account> register_device(const Connection& connection,
                                          remote::Credentials credentials) override {
    auto runtime = Runtime::make();
    if (!runtime) return fail(std::move(runtime.error()));
    auto client = net::make_http_client(client_options(connection), (*runtime)->seams());
    if (!client) return fail(std::move(client.error()));
    return wait_for(remote::register_device(**client, connection.origin, std::move(credentials)), connection);
  }

  Result<std::vector<remote::Share>> shares(const Connection& connection,
                                            const std::string& account_file) override {
    auto accounts = std::make_unique<remote::AccountStore>(account_file);
    auto account = accounts->load();
    if (!account) return fail(std::move(account.error()));
    // A token must not travel to another host than the one that gave it.
    if (account->server != connection.origin) {
      return fail(Errc::invalid_argument, fmt::format("the account in {} is for {}, not for {}", account_file,
                                                      account->server, connection.origin));
    }
    Connection trusted = connection;
    if (trusted.pinned_pubkey.empty()) trusted.pinned_pubkey = account->pinned_pubkey;
    auto runtime = Runtime::make();
    if (!runtime) return fail(std::move(runtime.error()));
    auto client = net::make_http_client(client_options(trusted), (*runtime)->seams());
    if (!client) return fail(std::move(client.error()));
    const auto remote = remote::make_nithron_remote(**client, (*runtime)->seams(),
                                                    {.base_url = trusted.origin, .timeout = trusted.timeout},
                                                    std::move(accounts));
    return wait_for(remote->shares({.deadline = trusted.timeout}), trusted);
  }

 private:
  static net::ClientOptions client_options(const Connection& connection) {
    net::ClientOptions options;
    options.user_agent = "nithronctl/" NITHRONFS_VERSION;
    options.ca_file = connection.ca;
    options.pinned_pubkey = connection.pinned_pubkey;
    options.insecure = connection.insecure;
    options.stall_timeout = connection.timeout;
    return options;
  }

  template <class T>
  Result<T> wait_for(Task<Result<T>> task, const Connection& connection) {
    std::promise<Result<T>> promise;
    auto answer = promise.get_future();
    spawn(std::move(task),
          [promise = std::move(promise)](Result<T> result) mutable { promise.set_value(std::move(result)); });
    if (answer.wait_for(kSilence) != std::future_status::ready) {
      err_ << fmt::format("nithronctl: waiting for {} …\n", connection.origin) << std::flush;
    }
    return answer.get();
  }

  std::ostream& err_;
};

}  // namespace

std::unique_ptr<Servers> make_servers(std::ostream& err) {
  return std::make_unique<NetworkServers>(err);
}

}  // namespace nithronfs::cli

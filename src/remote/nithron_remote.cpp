// A NithronOS server: the sync API for shares and capabilities, WebDAV for names and bytes.
#include <mutex>

#include "nithronfs/net/url.hpp"
#include "nithronfs/remote/factory.hpp"
#include "remote/dav_client.hpp"
#include "remote/json_answers.hpp"
#include "remote/token_keeper.hpp"

namespace nithronfs::remote {
namespace {

constexpr std::size_t kMaxShares = std::size_t{16} << 20;         // bytes of the list
constexpr std::size_t kMaxCapabilities = std::size_t{64} * 1024;  // bytes

// What was learned once per mount. Thread-safe.
class Knowledge {
 public:
  [[nodiscard]] std::optional<Capabilities> capabilities() const {
    const std::lock_guard lock(mutex_);
    return capabilities_;
  }
  void set(const Capabilities& capabilities) {
    const std::lock_guard lock(mutex_);
    capabilities_ = capabilities;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<Capabilities> capabilities_;  // guarded by mutex_
};

net::Request api_request(const Session& session, std::string_view path, const CallOptions& options) {
  return net::Request{.method = "GET",
                      .url = session.server() + std::string(path),
                      .headers = {{"Accept", "application/json"}},
                      .body = {},
                      .priority = options.priority,
                      .repeatable = true,
                      .deadline = options.deadline > Nanos{0} ? options.deadline : session.timeout(),
                      .stall = session.timeout()};
}

Task<Result<std::vector<Share>>> ask_shares(std::shared_ptr<Session> session, CallOptions options) {
  const auto answer = std::make_shared<TextAnswer>(kMaxShares);
  Session::Exchange exchange{.request = api_request(*session, "/api/v1/sync/shares", options),
                             .answer = answer,
                             .cancel = options.cancel};
  auto sent = co_await Session::send(session, std::move(exchange));
  if (!sent) co_return fail(std::move(sent.error()));
  co_return parse_shares(answer->body());
}

Task<Result<Capabilities>> ask_capabilities(std::shared_ptr<Session> session,
                                            std::shared_ptr<Knowledge> knowledge, CallOptions options) {
  if (const auto known = knowledge->capabilities()) co_return *known;
  const auto answer = std::make_shared<TextAnswer>(kMaxCapabilities);
  Session::Exchange exchange{.request = api_request(*session, "/api/v1/sync/capabilities", options),
                             .answer = answer,
                             .cancel = options.cancel,
                             .renew_login = false};
  auto sent = co_await Session::send(session, exchange);
  if (answer->status() == 401 && !answer->error_body().empty()) {
    // A server that knows the question and refuses the login, unlike one that refuses whatever it does not
    // know.
    exchange.renew_login = true;
    sent = co_await Session::send(session, exchange);
  }
  const int status = answer->status();
  if (!sent && (status == 404 || status == 405 || status == 501)) {
    knowledge->set(Capabilities{});
    co_return Capabilities{};
  }
  // None, but not remembered: a token that has expired may look the same.
  if (!sent && status == 401 && answer->error_body().empty()) co_return Capabilities{};
  if (!sent) co_return fail(std::move(sent.error()));
  auto capabilities = parse_capabilities(answer->body());
  if (capabilities) knowledge->set(*capabilities);
  co_return capabilities;
}

class NithronRemote final : public Remote {
 public:
  explicit NithronRemote(std::shared_ptr<Session> session) : session_(std::move(session)) {}

  Task<Result<std::vector<Share>>> shares(CallOptions options) override {
    return ask_shares(session_, std::move(options));
  }
  Task<Result<Capabilities>> capabilities(CallOptions options) override {
    return ask_capabilities(session_, knowledge_, std::move(options));
  }
  Task<Result<Entry>> stat(std::string share, std::string path, CallOptions options) override {
    return dav_stat(session_, place_of_share(share, std::move(path)), std::move(options));
  }
  Task<Result<Entry>> list(std::string share, std::string path, std::shared_ptr<ListingReceiver> receiver,
                           CallOptions options) override {
    return dav_list(session_, place_of_share(share, std::move(path)), std::move(receiver),
                    std::move(options));
  }
  Task<Result<void>> read(std::string share, std::string path, Version version, ByteRange range,
                          std::shared_ptr<BytesReceiver> receiver, CallOptions options) override {
    return dav_read(session_, place_of_share(share, std::move(path)), std::move(version), range,
                    std::move(receiver), std::move(options));
  }
  void resume(const std::shared_ptr<BytesReceiver>& receiver) override {
    session_->resume_read(receiver.get());
  }
  Task<Result<Space>> space(std::string share, CallOptions options) override {
    return dav_space(session_, place_of_share(share, {}), std::move(options));
  }

  [[nodiscard]] bool atomic_versions() const override {
    const auto known = knowledge_->capabilities();
    return known && known->dav_conditional;
  }
  [[nodiscard]] bool online() const override { return session_->online(); }
  void network_changed() override { session_->client().network_changed(); }

 private:
  static DavPlace place_of_share(const std::string& share, std::string path) {
    return {.root = "/dav/" + share, .path = std::move(path)};
  }

  const std::shared_ptr<Session> session_;
  const std::shared_ptr<Knowledge> knowledge_ = std::make_shared<Knowledge>();
};

}  // namespace

std::unique_ptr<Remote> make_nithron_remote(net::HttpClient& client, Seams seams, RemoteOptions options,
                                            std::unique_ptr<AccountStore> accounts) {
  std::string server = std::move(options.base_url);
  while (server.ends_with('/')) server.pop_back();
  auto keeper = std::make_shared<TokenKeeper>(client, seams, server, std::move(accounts));
  return std::make_unique<NithronRemote>(
      std::make_shared<Session>(client, std::move(keeper), std::move(server), options.timeout));
}

}  // namespace nithronfs::remote

// Any WebDAV server: one share, no sync API, no promises about versions.
#include "nithronfs/net/url.hpp"
#include "nithronfs/remote/factory.hpp"
#include "remote/dav_client.hpp"
#include "remote/names.hpp"

namespace nithronfs::remote {
namespace {

// The last component of the collection's path, or the host.
std::string share_name(const std::string& root, const std::string& server) {
  std::string name = root.substr(root.rfind('/') + 1);
  if (!why_unusable(name)) return name;
  return server.substr(server.find("://") + 3);
}

Task<Result<std::vector<Share>>> ask_shares(std::shared_ptr<Session> session, std::string root,
                                            CallOptions options) {
  // Tells at once whether there is such a collection and whether the login is right.
  DavPlace place{.root = root, .path = {}};
  auto entry = co_await dav_stat(session, std::move(place), std::move(options));
  if (!entry) co_return fail(std::move(entry.error()));
  if (entry->kind != Kind::directory) {
    co_return fail(Errc::not_directory, "the URL is that of a file; a collection is needed");
  }
  Share share{.id = {}, .name = share_name(root, session->server())};
  co_return std::vector<Share>{std::move(share)};
}

Task<Result<Capabilities>> no_capabilities() {
  co_return Capabilities{};
}

class WebDavRemote final : public Remote {
 public:
  WebDavRemote(std::shared_ptr<Session> session, std::string root)
      : session_(std::move(session)), root_(std::move(root)) {}

  Task<Result<std::vector<Share>>> shares(CallOptions options) override {
    return ask_shares(session_, root_, std::move(options));
  }
  Task<Result<Capabilities>> capabilities(CallOptions) override { return no_capabilities(); }
  Task<Result<Entry>> stat(std::string, std::string path, CallOptions options) override {
    return dav_stat(session_, place(std::move(path)), std::move(options));
  }
  Task<Result<Entry>> list(std::string, std::string path, std::shared_ptr<ListingReceiver> receiver,
                           CallOptions options) override {
    return dav_list(session_, place(std::move(path)), std::move(receiver), std::move(options));
  }
  Task<Result<void>> read(std::string, std::string path, Version version, ByteRange range,
                          std::shared_ptr<BytesReceiver> receiver, CallOptions options) override {
    return dav_read(session_, place(std::move(path)), std::move(version), range, std::move(receiver),
                    std::move(options));
  }
  void resume(const std::shared_ptr<BytesReceiver>& receiver) override {
    session_->resume_read(receiver.get());
  }
  Task<Result<Space>> space(std::string, CallOptions options) override {
    return dav_space(session_, place({}), std::move(options));
  }

  [[nodiscard]] bool atomic_versions() const override { return false; }
  [[nodiscard]] bool online() const override { return session_->online(); }
  void network_changed() override { session_->client().network_changed(); }

 private:
  [[nodiscard]] DavPlace place(std::string path) const { return {.root = root_, .path = std::move(path)}; }

  const std::shared_ptr<Session> session_;
  const std::string root_;
};

}  // namespace

std::unique_ptr<Remote> make_webdav_remote(net::HttpClient& client, Seams, RemoteOptions options) {
  std::string server = options.base_url;
  std::string root;
  // What is no URL is left as it is: the first request says so.
  if (const auto url = net::parse_url(options.base_url)) {
    server = url->origin.scheme + "://" + url->origin.authority();
    root = net::percent_decode(url->path).value_or(url->path);
    while (root.ends_with('/')) root.pop_back();
  }
  auto authorizer = std::make_shared<BasicAuthorizer>(options.username, options.password);
  return std::make_unique<WebDavRemote>(
      std::make_shared<Session>(client, std::move(authorizer), std::move(server), options.timeout),
      std::move(root));
}

}  // namespace nithronfs::remote

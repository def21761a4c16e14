// The thread-safe face of the HTTP client: commands go into a mailbox, the net thread does the rest.
#include <pthread.h>

#include <csignal>
#include <thread>

#include "net/loop.hpp"

namespace nithronfs::net {
namespace {

class CurlHttpClient final : public HttpClient {
 public:
  CurlHttpClient(const ClientOptions& options, Seams seams)
      : options_(options), seams_(seams), loop_(options_, seams_.clock, seams_.random, mailbox_, counters_) {}
  CurlHttpClient(const CurlHttpClient&) = delete;
  CurlHttpClient& operator=(const CurlHttpClient&) = delete;

  ~CurlHttpClient() override {
    if (!thread_.joinable()) return;
    (void)mailbox_.post(StopCommand{});
    thread_.join();
  }

  [[nodiscard]] Result<void> open() {
    if (auto opened = mailbox_.open(); !opened) return opened;
    if (auto opened = loop_.open(); !opened) return opened;
    // The thread inherits the mask: signals are for the threads that expect them.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { loop_.run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(thread_.native_handle(), "net");
    return {};
  }

  CallId start(Request request, std::shared_ptr<Receiver> receiver) override {
    const auto id = CallId{last_id_.fetch_add(1, std::memory_order_relaxed) + 1};
    auto refused = mailbox_.post(StartCommand{
        std::make_unique<Call>(id, std::move(request), std::move(receiver), seams_.clock.steady())});
    if (refused) {
      std::get<StartCommand>(*refused).call->finish(fail(Errc::cancelled, "the HTTP client is shut down"));
    }
    return id;
  }
  void cancel(CallId call) override { (void)mailbox_.post(CancelCommand{call}); }
  void resume(CallId call) override { (void)mailbox_.post(ResumeCommand{call}); }
  void network_changed() override { (void)mailbox_.post(NetworkChangedCommand{}); }

  [[nodiscard]] Counters counters() const override {
    return Counters{.requests = counters_.requests.load(),
                    .connections = counters_.connections.load(),
                    .bytes_received = counters_.bytes_received.load()};
  }

 private:
  const ClientOptions options_;
  const Seams seams_;
  SharedCounters counters_;
  Mailbox mailbox_;
  std::atomic<std::uint64_t> last_id_{0};
  Loop loop_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<HttpClient>> make_http_client(const ClientOptions& options, Seams seams) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);  // once per process, thread-safe
  if (initialised != CURLE_OK) return fail(Errc::out_of_memory, "libcurl does not start");
  auto client = std::make_unique<CurlHttpClient>(options, seams);
  if (auto opened = client->open(); !opened) return fail(std::move(opened.error()));
  return client;
}

}  // namespace nithronfs::net

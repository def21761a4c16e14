// Sends requests with the login, renews it when the server refuses it, and knows whether the server is there.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "nithronfs/remote/remote.hpp"
#include "remote/answer.hpp"
#include "remote/authorizer.hpp"

namespace nithronfs::remote {

// Thread-safe. Tasks hold it, so that a Remote may go while some are still on their way; the HttpClient must
// outlive them all, and ends them when it goes.
class Session {
 public:
  Session(net::HttpClient& client, std::shared_ptr<Authorizer> authorizer, std::string server, Nanos timeout)
      : client_(client), authorizer_(std::move(authorizer)), server_(std::move(server)), timeout_(timeout) {}

  struct Exchange {
    net::Request request;  // its Authorization is added here
    std::shared_ptr<Answer> answer;
    CancelToken cancel;
    std::shared_ptr<net::CallLink> link = nullptr;  // where pauses are possible
    bool renew_login = true;                        // after a 401, once
  };
  [[nodiscard]] static Task<Result<void>> send(std::shared_ptr<Session> self, Exchange exchange);

  // scheme://host[:port]
  [[nodiscard]] const std::string& server() const { return server_; }
  [[nodiscard]] Nanos timeout() const { return timeout_; }
  [[nodiscard]] net::HttpClient& client() const { return client_; }
  [[nodiscard]] bool online() const { return online_.load(std::memory_order_relaxed); }

  // Reads that can be paused, by their receivers.
  void add_read(const BytesReceiver* receiver, std::shared_ptr<net::CallLink> link);
  void remove_read(const BytesReceiver* receiver);
  void resume_read(const BytesReceiver* receiver);

 private:
  [[nodiscard]] static Task<Result<void>> send_once(std::shared_ptr<Session> self, net::Request request,
                                                    std::shared_ptr<Answer> answer,
                                                    std::shared_ptr<net::CallLink> link);
  void note_reachability(const Answer& answer, const Result<void>& outcome);
  void note_failure(const Error& error);

  net::HttpClient& client_;
  const std::shared_ptr<Authorizer> authorizer_;
  const std::string server_;
  const Nanos timeout_;
  std::atomic<bool> online_{true};  // until shown otherwise

  std::mutex mutex_;
  std::unordered_map<const BytesReceiver*, std::shared_ptr<net::CallLink>> reads_;  // guarded by mutex_
};

}  // namespace nithronfs::remote

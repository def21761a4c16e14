// The round of one request: get the login, send, and after a 401 do both once more.
#include "remote/session.hpp"

#include <utility>

namespace nithronfs::remote {

Task<Result<void>> Session::send(std::shared_ptr<Session> self, Exchange exchange) {
  const auto link = exchange.link ? std::move(exchange.link) : std::make_shared<net::CallLink>(self->client_);
  std::string refused;
  while (true) {
    if (exchange.cancel.cancelled()) co_return fail(Errc::cancelled, "the request was cancelled");
    auto authorization = co_await self->authorizer_->authorization(refused);
    if (!authorization) {
      self->note_failure(authorization.error());
      co_return fail(std::move(authorization.error()));
    }
    net::Request request = exchange.request;
    if (!authorization->empty()) request.headers.push_back({"Authorization", *authorization});
    Result<void> outcome;
    {
      const auto registration = exchange.cancel.on_cancel([link] { link->cancel(); });
      outcome = co_await send_once(self, std::move(request), exchange.answer, link);
    }
    self->note_reachability(*exchange.answer, outcome);
    const bool again = exchange.answer->status() == 401 && exchange.renew_login && refused.empty();
    if (!again || authorization->empty()) co_return outcome;
    refused = std::move(*authorization);
  }
}

Task<Result<void>> Session::send_once(std::shared_ptr<Session> self, net::Request request,
                                      std::shared_ptr<Answer> answer, std::shared_ptr<net::CallLink> link) {
  // Named, because g++ 12 destroys a closure twice when it is a temporary of a co_await expression.
  auto start = [&self, &request, answer, link](Answer::Done done) {
    answer->expect(std::move(done));
    // From here on the answer may have come and this coroutine may be gone.
    const net::CallId call = self->client_.start(std::move(request), answer);
    link->started(call);
  };
  Callback<Result<void>> outcome(std::move(start));
  co_return co_await outcome;
}

void Session::note_reachability(const Answer& answer, const Result<void>& outcome) {
  if (answer.status() != 0) {
    online_.store(true, std::memory_order_relaxed);
  } else if (!outcome) {
    note_failure(outcome.error());
  }
}

void Session::note_failure(const Error& error) {
  if (error.code == Errc::offline || error.code == Errc::timed_out) {
    online_.store(false, std::memory_order_relaxed);
  }
}

void Session::add_read(const BytesReceiver* receiver, std::shared_ptr<net::CallLink> link) {
  const std::lock_guard lock(mutex_);
  reads_.insert_or_assign(receiver, std::move(link));
}

void Session::remove_read(const BytesReceiver* receiver) {
  const std::lock_guard lock(mutex_);
  reads_.erase(receiver);
}

void Session::resume_read(const BytesReceiver* receiver) {
  std::shared_ptr<net::CallLink> link;
  {
    const std::lock_guard lock(mutex_);
    const auto found = reads_.find(receiver);
    if (found == reads_.end()) return;
    link = found->second;
  }
  link->resume();
}

}  // namespace nithronfs::remote

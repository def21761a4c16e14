// Renewing: one coroutine per process does it, everybody else waits for its outcome.
#include "remote/token_keeper.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "nithronfs/net/url.hpp"
#include "remote/answer.hpp"
#include "remote/json_answers.hpp"

namespace nithronfs::remote {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Nanos kRequestDeadline = seconds(30);
// How long another process may hold the lock; its own renewal ends within kRequestDeadline.
constexpr Nanos kLockDeadline = seconds(40);
constexpr Nanos kLockInterval = milliseconds(50);
// After a renewal ahead of time that failed, until the next.
constexpr Nanos kAheadInterval = std::chrono::minutes(10);
constexpr std::size_t kMaxBody = std::size_t{64} * 1024;
constexpr std::string_view kBearer = "Bearer ";

// A week ahead of the end, or a tenth of what is left when that is less.
WallTime renewal_time(std::int64_t expires_at, WallTime now) {
  if (expires_at <= 0) return WallTime::max();
  const WallTime end{seconds(expires_at)};
  if (end <= now) return now;
  constexpr Nanos kAhead = std::chrono::hours(24 * 7);
  return end - std::min(kAhead, (end - now) / 10);
}

}  // namespace

TokenKeeper::TokenKeeper(net::HttpClient& client, Seams seams, std::string server,
                         std::unique_ptr<AccountStore> accounts)
    : client_(client), seams_(seams), server_(std::move(server)), accounts_(std::move(accounts)) {
  // What fails now is tried again, and reported, by the first request.
  if (const auto account = load_checked()) adopt(*account);
}

Task<Result<std::string>> TokenKeeper::authorization(std::string refused) {
  const std::string refused_token =
      refused.starts_with(kBearer) ? refused.substr(kBearer.size()) : std::string();
  std::string token;
  bool renewal_due = false;
  {
    const std::lock_guard lock(mutex_);
    if (token_ != refused_token) token = token_;
    renewal_due = !token.empty() && !renewing_ && due();
    if (renewal_due) {
      renewing_ = true;
      renew_at_ = seams_.clock.wall() + kAheadInterval;
    }
  }
  if (renewal_due) {
    // The present token still serves; nobody waits for the new one.
    spawn(run_renewal(shared_from_this(), token));
  }
  if (token.empty()) {
    auto renewed = co_await renew(refused_token);
    if (!renewed) co_return fail(std::move(renewed.error()));
    const std::lock_guard lock(mutex_);
    token = token_;
  }
  co_return std::string(kBearer) + token;
}

bool TokenKeeper::due() const {
  return seams_.clock.wall() >= renew_at_;
}

Task<Result<void>> TokenKeeper::renew(std::string refused) {
  auto start = [this, &refused](Waiter done) {
    {
      const std::lock_guard lock(mutex_);
      waiters_.push_back(std::move(done));
      // Another thread's renewal may end, and this coroutine with it, as soon as the lock is released.
      if (renewing_) return;
      renewing_ = true;
    }
    spawn(run_renewal(shared_from_this(), refused));
  };
  Callback<Result<void>> renewed(std::move(start));
  co_return co_await renewed;
}

Task<void> TokenKeeper::run_renewal(std::shared_ptr<TokenKeeper> self, std::string refused) {
  auto account = co_await fetch_account(self, std::move(refused));
  Result<void> outcome;
  if (account) {
    self->adopt(*account);
  } else {
    outcome = fail(std::move(account.error()));
  }
  std::vector<Waiter> waiters;
  {
    const std::lock_guard lock(self->mutex_);
    self->renewing_ = false;
    waiters.swap(self->waiters_);
  }
  for (Waiter& waiter : waiters) waiter(outcome);
}

Task<Result<Account>> TokenKeeper::fetch_account(std::shared_ptr<TokenKeeper> self, std::string refused) {
  co_await resume_on(self->seams_.disk);
  auto lock = co_await self->lock_accounts();
  if (!lock) co_return fail(std::move(lock.error()));
  auto account = self->load_checked();
  if (!account) co_return fail(std::move(account.error()));
  if (account->device_token != refused) co_return account;  // renewed by another process, or logged in anew
  {
    const std::lock_guard guard(self->mutex_);
    if (self->dead_token_ == refused) co_return fail(self->logged_out());
  }
  auto renewed = co_await self->ask_server(std::move(*account));
  if (!renewed) co_return fail(std::move(renewed.error()));
  co_await resume_on(self->seams_.disk);
  if (auto saved = self->accounts_->save(*renewed); !saved) co_return fail(std::move(saved.error()));
  co_return renewed;
}

Task<Result<std::unique_ptr<AccountStore::Lock>>> TokenKeeper::lock_accounts() {
  const SteadyTime give_up = seams_.clock.steady() + kLockDeadline;
  while (true) {
    auto lock = accounts_->try_lock();
    if (lock || lock.error().code != Errc::busy || seams_.clock.steady() >= give_up)
      co_return std::move(lock);
    co_await sleep_until(seams_.disk, seams_.clock.steady() + kLockInterval);
  }
}

Task<Result<Account>> TokenKeeper::ask_server(Account account) {
  if (account.refresh_token.empty()) co_return fail(logged_out());
  net::Request request{.method = "POST",
                       .url = server_ + "/api/v1/sync/devices/refresh",
                       .headers = {{"Content-Type", "application/json"}},
                       .body = refresh_body(account.refresh_token),
                       .priority = net::Priority::foreground,
                       .repeatable = false,
                       .deadline = kRequestDeadline};
  auto response = co_await net::fetch(client_, std::move(request), kMaxBody);
  if (!response) co_return fail(std::move(response.error()));
  if (response->head.status == 401) {
    const std::lock_guard lock(mutex_);
    dead_token_ = account.device_token;
    co_return fail(logged_out());
  }
  if (response->head.status != 200 && response->head.status != 201) {
    co_return fail(error_of(response->head, response->body));
  }
  if (is_web_page(response->head)) co_return fail(web_page_error());
  auto pair = parse_tokens(response->body);
  if (!pair) co_return fail(std::move(pair.error()));
  account.device_token = pair->device_token;
  account.refresh_token = pair->refresh_token;
  account.expires_at = pair->expires_at;
  co_return account;
}

Result<Account> TokenKeeper::load_checked() const {
  auto account = accounts_->load();
  if (!account) return account;
  const auto mine = net::parse_url(server_);
  const auto its = net::parse_url(account->server);
  if (!mine || !its || mine->origin != its->origin) {
    return fail(Errc::not_logged_in,
                fmt::format("the login in {} is for {}, not for {}; log in with: nithronctl "
                            "login {}",
                            accounts_->path(), account->server, server_, server_));
  }
  return account;
}

void TokenKeeper::adopt(const Account& account) {
  const std::lock_guard lock(mutex_);
  token_ = account.device_token;
  renew_at_ = renewal_time(account.expires_at, seams_.clock.wall());
}

Error TokenKeeper::logged_out() const {
  return {Errc::not_logged_in,
          fmt::format("the server has ended the login of this device; log in again with: "
                      "nithronctl login {}",
                      server_)};
}

}  // namespace nithronfs::remote

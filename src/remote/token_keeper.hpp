// Keeps the device's token usable: renews it ahead of its expiry and when the server refuses it, once for all
// requests of this process and all processes of this device.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "nithronfs/remote/auth.hpp"
#include "nithronfs/util/seams.hpp"
#include "remote/authorizer.hpp"

namespace nithronfs::remote {

// Thread-safe. Lives until its last task has ended, because tasks hold it.
//
// A renewal, in this order, under the lock between processes: read the account file again (another process
// may have renewed already: then its token is taken), ask the server, write and sync the new pair, use it.
// File work happens on the disk executor. The old refresh token is dead once the new pair has been used, so a
// pair that could not be stored is not used.
class TokenKeeper final : public Authorizer, public std::enable_shared_from_this<TokenKeeper> {
 public:
  // `server` is the only one that tokens are sent to: scheme://host[:port].
  TokenKeeper(net::HttpClient& client, Seams seams, std::string server,
              std::unique_ptr<AccountStore> accounts);

  [[nodiscard]] Task<Result<std::string>> authorization(std::string refused) override;

 private:
  using Waiter = std::move_only_function<void(Result<void>)>;

  // Joins the renewal that runs, or runs one. Ok: token_ is not `refused` any more.
  [[nodiscard]] Task<Result<void>> renew(std::string refused);
  // Whoever starts it has set renewing_.
  [[nodiscard]] static Task<void> run_renewal(std::shared_ptr<TokenKeeper> self, std::string refused);
  [[nodiscard]] static Task<Result<Account>> fetch_account(std::shared_ptr<TokenKeeper> self,
                                                           std::string refused);
  [[nodiscard]] Task<Result<std::unique_ptr<AccountStore::Lock>>> lock_accounts();
  [[nodiscard]] Task<Result<Account>> ask_server(Account account);
  [[nodiscard]] Result<Account> load_checked() const;
  void adopt(const Account& account);
  [[nodiscard]] bool due() const;  // mutex_ held
  [[nodiscard]] Error logged_out() const;

  net::HttpClient& client_;
  const Seams seams_;
  const std::string server_;
  const std::unique_ptr<AccountStore> accounts_;

  std::mutex mutex_;
  // Guarded by mutex_:
  std::string token_;       // empty: none could be loaded yet
  std::string dead_token_;  // the server refused this one and its refresh token: not asked again
  WallTime renew_at_ = WallTime::max();
  bool renewing_ = false;
  std::vector<Waiter> waiters_;
};

}  // namespace nithronfs::remote

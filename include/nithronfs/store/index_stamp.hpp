// Decides at start whether a disposable database may be believed.
//
// The index is not synced per commit: after a power cut its pages may be of different ages. So a stamp beside
// it says in which boot it was written and whether it was closed cleanly; anything else and it is thrown
// away.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "nithronfs/store/store.hpp"
#include "nithronfs/util/result.hpp"

namespace nithronfs::store {

class DisposableEnvironment {
 public:
  struct Params {
    Options options;           // durability is set to unsynced
    std::uint32_t schema = 1;  // another schema on disk: thrown away
    std::string boot_id;       // /proc/sys/kernel/random/boot_id
  };
  // Opens, or throws away and creates; what LMDB itself finds corrupt is thrown away too. Errors as
  // Environment::open. The directory may be deleted at any time afterwards: what is open goes on working, and
  // the next open starts afresh.
  [[nodiscard]] static Result<std::unique_ptr<DisposableEnvironment>> open(const Params& params);
  // Syncs and writes the clean mark; without it the index lives only as long as this boot.
  ~DisposableEnvironment();
  DisposableEnvironment(const DisposableEnvironment&) = delete;
  DisposableEnvironment& operator=(const DisposableEnvironment&) = delete;

  [[nodiscard]] Environment& environment();
  // Why the previous content was not used; empty when it was, or when there was none.
  [[nodiscard]] const std::string& discarded_because() const;

 private:
  struct State;
  explicit DisposableEnvironment(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The current boot's id. Errors: io.
[[nodiscard]] Result<std::string> current_boot_id();

}  // namespace nithronfs::store

// Everything that lives as long as the server and that requests work with.
#pragma once

#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

#include "accounts.hpp"
#include "devices.hpp"
#include "full_catalog.hpp"
#include "share.hpp"
#include "stock_catalog.hpp"
#include "watcher.hpp"

namespace refserver {

// A share with its catalog; one of `full` and `stock` is set, as the profile says.
struct ServedShare {
  std::unique_ptr<Share> share;
  std::unique_ptr<FullCatalog> full;
  std::unique_ptr<StockCatalog> stock;
  std::unique_ptr<Watcher> watcher;

  Catalog& catalog() const { return full ? static_cast<Catalog&>(*full) : *stock; }
};

struct ServerContext {
  Profile profile = Profile::full;
  Accounts* accounts = nullptr;
  Devices* devices = nullptr;
  std::vector<ServedShare> shares;
  std::int64_t session_seconds = 0;
  std::chrono::milliseconds stock_token_cost{0};  // of CPU time, for each token check

  const ServedShare* find_share(std::string_view id) const {
    for (const auto& served : shares) {
      if (served.share->id == id) return &served;
    }
    return nullptr;
  }
};

}  // namespace refserver

// The door to WebDAV: everything below /dav/{share_id}/.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../catalog.hpp"
#include "../http.hpp"
#include "../share.hpp"
#include "dead_properties.hpp"
#include "group_sync.hpp"
#include "lock_table.hpp"

namespace refserver {

// What WebDAV remembers between requests; one for the whole server, thread-safe.
struct DavState {
  // Opens a table in the database: before threads use it.
  DavState(Database& database, dav::LockTable::Clock clock,
           dav::GroupSync::Calls disk = dav::GroupSync::disk())
      : locks(std::move(clock)), dead_properties(database), sync(std::move(disk)) {}

  dav::LockTable locks;
  dav::DeadProperties dead_properties;
  dav::GroupSync sync;
};

struct DavShare {
  const Share* share = nullptr;
  Catalog* catalog = nullptr;
};

// What one request needs to know. The caller has checked who it comes from; shares that this account must not
// see are those that `find_share` does not find. Shares, catalogs and state live as long as the server.
struct DavContext {
  Profile profile = Profile::full;
  DavState* state = nullptr;
  std::string user;
  std::function<std::optional<DavShare>(std::string_view share_id)> find_share;
};

inline constexpr std::string_view dav_prefix = "/dav/";

// For a request whose path starts with dav_prefix. The request need not outlive the call.
std::unique_ptr<Exchange> make_dav_exchange(const Request& request, const DavContext& context);

// Removes what a crash left behind under hidden names; at start, before the share is served. Errors are
// passed over: what cannot be removed stays hidden.
void sweep_leftovers(const Share& share);

}  // namespace refserver

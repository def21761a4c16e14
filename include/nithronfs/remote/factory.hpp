// Makes the Remote that a URL asks for.
#pragma once

#include <memory>
#include <string>

#include "nithronfs/remote/auth.hpp"
#include "nithronfs/remote/remote.hpp"

namespace nithronfs::remote {

struct RemoteOptions {
  std::string base_url;  // NithronOS: scheme://host[:port]; plain WebDAV: the collection's URL
  Nanos timeout = std::chrono::seconds(30);
  // Plain WebDAV only; empty: none. From the account file or a systemd credential, never from the URL.
  std::string username;
  std::string password;
};

// All references outlive the Remote.
[[nodiscard]] std::unique_ptr<Remote> make_nithron_remote(net::HttpClient& client, Seams seams,
                                                          RemoteOptions options,
                                                          std::unique_ptr<AccountStore> accounts);
// One share with the id "" whose root is the collection.
[[nodiscard]] std::unique_ptr<Remote> make_webdav_remote(net::HttpClient& client, Seams seams,
                                                         RemoteOptions options);

}  // namespace nithronfs::remote

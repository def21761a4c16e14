// The whole server: everything of ServerContext, the HTTP server in front of it, and the order in which they
// start and end.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "options.hpp"

namespace refserver {

class Server {
 public:
  // Scans the shares, and serves when it returns.
  static std::expected<std::unique_ptr<Server>, std::string> start(const Options& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::string url() const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace refserver

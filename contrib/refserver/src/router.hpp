// From a request to its handler: routes, authentication, and the limits of bodies.
#pragma once

#include <functional>
#include <memory>

#include "api.hpp"
#include "http.hpp"
#include "server_context.hpp"

namespace refserver {

class Router {
 public:
  // Opens an exchange for a request below /dav/{share}/, whose caller is known already.
  using DavDoor = std::function<std::unique_ptr<Exchange>(const Request&, const Caller&)>;

  Router(const ServerContext& server, DavDoor dav) : server_(server), dav_(std::move(dav)) {}

  std::unique_ptr<Exchange> open(const Request& request) const;

 private:
  std::unique_ptr<Exchange> open_dav(const Request& request) const;
  OrResponse<Caller> device_caller(const Request& request) const;
  OrResponse<Caller> session_caller(const Request& request) const;
  OrResponse<Caller> basic_caller(const Request& request, std::string_view credentials) const;
  Response unauthorized(std::string_view message) const;

  const ServerContext& server_;
  DavDoor dav_;
};

// The value of a cookie of the request.
std::optional<std::string> cookie(const Request& request, std::string_view name);

}  // namespace refserver

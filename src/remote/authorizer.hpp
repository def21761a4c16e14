// Where the Authorization header comes from.
#pragma once

#include <string>

#include "nithronfs/util/result.hpp"
#include "nithronfs/util/task.hpp"

namespace nithronfs::remote {

class Authorizer {
 public:
  virtual ~Authorizer() = default;
  // The header's value; empty: none is sent. `refused` is the value that the server has just answered 401 to
  // (empty: none): another one is returned, or an error. Errors: not_logged_in and what renewing ran into.
  // Must be kept alive until the task has ended.
  [[nodiscard]] virtual Task<Result<std::string>> authorization(std::string refused) = 0;
};

// A name and password in every request (RFC 7617); an empty name: nothing.
class BasicAuthorizer final : public Authorizer {
 public:
  BasicAuthorizer(const std::string& username, const std::string& password);
  [[nodiscard]] Task<Result<std::string>> authorization(std::string refused) override;

 private:
  std::string value_;
};

[[nodiscard]] std::string base64(std::string_view bytes);

}  // namespace nithronfs::remote

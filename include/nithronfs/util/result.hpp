// Result<T>: a value or an Error. Exceptions do not cross a module.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "nithronfs/util/error.hpp"

namespace nithronfs {

template <class T = void>
using Result = std::expected<T, Error>;

// `return fail(Errc::protocol, "…");`
[[nodiscard]] inline std::unexpected<Error> fail(Errc code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}
[[nodiscard]] inline std::unexpected<Error> fail(Error error) {
  return std::unexpected(std::move(error));
}

}  // namespace nithronfs

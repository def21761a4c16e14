// The methods, one or a few related ones per source file.
#pragma once

#include <memory>

#include "call.hpp"

namespace refserver::dav {

Response get(Call& call, const std::string& body);  // and HEAD
Response options(Call& call, const std::string& body);
Response propfind(Call& call, const std::string& body);
Response proppatch(Call& call, const std::string& body);
Response remove(Call& call, const std::string& body);  // DELETE
Response make_collection(Call& call, const std::string& body);
Response copy(Call& call, const std::string& body);
Response move(Call& call, const std::string& body);
Response lock(Call& call, const std::string& body);
Response unlock(Call& call, const std::string& body);

// PUT streams its body to disk and is an exchange of its own; the two profiles share nothing but the name.
std::unique_ptr<Exchange> make_atomic_put(Call call);
std::unique_ptr<Exchange> make_in_place_put(Call call);

inline constexpr std::string_view allowed_methods =
    "OPTIONS, GET, HEAD, PUT, DELETE, MKCOL, COPY, MOVE, PROPFIND, PROPPATCH, LOCK, UNLOCK";

}  // namespace refserver::dav

// Questions about names and share paths that only WebDAV asks.
#pragma once

#include <string_view>

namespace refserver::dav {

// Is `path` equal to `ancestor` or somewhere below it? (The root, "", is an ancestor of everything.)
bool is_same_or_below(std::string_view path, std::string_view ancestor);

bool is_valid_utf8(std::string_view bytes);

}  // namespace refserver::dav

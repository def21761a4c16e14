// Content types by file name extension; no content is looked at.
#pragma once

#include <string_view>

namespace refserver::dav {

std::string_view media_type_of(std::string_view name);

}  // namespace refserver::dav

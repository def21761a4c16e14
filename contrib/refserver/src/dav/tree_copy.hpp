// Copies files and trees inside a share, without bytes passing through user space where the kernel can.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "call.hpp"

namespace refserver::dav {

// Copies the file `from` into the open file `target_fd`. errno or 0.
int copy_file(const Call& call, std::string_view from, int target_fd);

// Copies what is in the directory `from` into the directory `to`, both share paths; what a listing does not
// show is not copied. `copied` collects the paths relative to the two, parents first. errno or 0.
int copy_contents(const Call& call, const std::string& from, const std::string& to,
                  std::vector<std::string>& copied);

}  // namespace refserver::dav

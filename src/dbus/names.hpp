// Names on the wire: a promise to scripts and file managers.
#pragma once

#include <string>
#include <string_view>

namespace nithronfs::dbus {

inline constexpr const char* kRootPath = "/com/nithron/NithronFS1";
inline constexpr const char* kMountInterface = "com.nithron.NithronFS1.Mount";
inline constexpr const char* kAccessDenied = "com.nithron.NithronFS1.Error.AccessDenied";
inline constexpr std::string_view kSocketSuffix = ".sock";

// An element of a bus name or path must not begin with a digit, hence the m.
[[nodiscard]] inline std::string bus_name(std::string_view id) {
  return "com.nithron.NithronFS1.m" + std::string(id);
}
[[nodiscard]] inline std::string object_path(std::string_view id) {
  return std::string(kRootPath) + "/m" + std::string(id);
}

}  // namespace nithronfs::dbus

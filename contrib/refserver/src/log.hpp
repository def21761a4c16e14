// The server's log: lines on standard error. Never called with a secret.
#pragma once

#include <string_view>

#include <fmt/format.h>

namespace refserver {

void write_log_line(std::string_view line);

template <typename... Args>
void log(fmt::format_string<Args...> format, Args&&... args) {
  write_log_line(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace refserver

// The log as a seam. Library modules do not log; the place that handles a failure does, once.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>

#include "nithronfs/util/result.hpp"

namespace nithronfs {

enum class LogLevel { debug, info, warning, error };

// Thread-safe. Every implementation passes its text through redact() first (invariant 9).
class Log {
 public:
  explicit Log(LogLevel level) : level_(level) {}
  virtual ~Log() = default;
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  template <class... Args>
  void debug(fmt::format_string<Args...> format, Args&&... args) {
    emit(LogLevel::debug, format, fmt::make_format_args(args...));
  }
  template <class... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) {
    emit(LogLevel::info, format, fmt::make_format_args(args...));
  }
  template <class... Args>
  void warning(fmt::format_string<Args...> format, Args&&... args) {
    emit(LogLevel::warning, format, fmt::make_format_args(args...));
  }
  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) {
    emit(LogLevel::error, format, fmt::make_format_args(args...));
  }
  [[nodiscard]] bool enabled(LogLevel level) const { return level >= level_; }

 protected:
  virtual void write(LogLevel level, std::string_view redacted_line) = 0;

 private:
  void emit(LogLevel level, fmt::string_view format, fmt::format_args args);
  const LogLevel level_;
};

// `text` with everything that looks like a secret replaced (device and refresh tokens, Authorization and
// cookie values, passwords in URLs) and control characters escaped, so that one event stays one line.
[[nodiscard]] std::string redact(std::string_view text);

[[nodiscard]] Result<LogLevel> parse_log_level(std::string_view name);

enum class LogTarget {
  console,     // standard error; with journal priorities when that is connected to the journal
  background,  // the journal where one runs, else `file`
};
struct LogOptions {
  LogLevel level = LogLevel::info;
  LogTarget target = LogTarget::console;
  std::string file;  // for LogTarget::background without a journal; rotated at 1 MiB, two kept
};
[[nodiscard]] Result<std::unique_ptr<Log>> make_log(const LogOptions& options);

}  // namespace nithronfs

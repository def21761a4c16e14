// The log over spdlog. The only door to it.
#include "nithronfs/util/log.hpp"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <spdlog/sinks/systemd_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace nithronfs {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

class SpdlogLog final : public Log {
 public:
  SpdlogLog(LogLevel level, spdlog::sink_ptr sink, const std::string& pattern)
      : Log(level), logger_("nithronfs", std::move(sink)) {
    logger_.set_level(to_spdlog(level));
    logger_.flush_on(spdlog::level::debug);
    logger_.set_pattern(pattern);
  }

 protected:
  void write(LogLevel level, std::string_view redacted_line) override {
    logger_.log(to_spdlog(level), redacted_line);
  }

 private:
  spdlog::logger logger_;
};

// systemd sets JOURNAL_STREAM to device:inode of the stream that it connected.
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe): at start, one thread
  struct stat info{};
  if (stream == nullptr || fstat(STDERR_FILENO, &info) != 0) return false;
  return fmt::format("{}:{}", info.st_dev, info.st_ino) == stream;
}

bool journal_runs() {
  return access("/run/systemd/journal/socket", W_OK) == 0;
}

constexpr auto console_pattern = "%Y-%m-%dT%H:%M:%S.%e %l %v";

}  // namespace

void Log::emit(LogLevel level, fmt::string_view format, fmt::format_args args) {
  if (!enabled(level)) return;
  write(level, redact(fmt::vformat(format, args)));
}

Result<LogLevel> parse_log_level(std::string_view name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "info") return LogLevel::info;
  if (name == "warning") return LogLevel::warning;
  if (name == "error") return LogLevel::error;
  return fail(Errc::invalid_argument,
              fmt::format("log level \"{}\" is not one of debug, info, warning, error", name));
}

// spdlog reports what it cannot open by exceptions; they end here.
Result<std::unique_ptr<Log>> make_log(const LogOptions& options) try {
  const bool to_journal =
      options.target == LogTarget::background ? journal_runs() : stderr_is_journal() && journal_runs();
  if (to_journal) {
    return std::make_unique<SpdlogLog>(options.level,
                                       std::make_shared<spdlog::sinks::systemd_sink_mt>("nithronfs"), "%v");
  }
  if (options.target == LogTarget::background) {
    constexpr std::size_t one_mebibyte = 1 << 20;
    return std::make_unique<SpdlogLog>(
        options.level, std::make_shared<spdlog::sinks::rotating_file_sink_mt>(options.file, one_mebibyte, 2),
        console_pattern);
  }
  return std::make_unique<SpdlogLog>(options.level, std::make_shared<spdlog::sinks::stderr_sink_mt>(),
                                     console_pattern);
} catch (const spdlog::spdlog_ex& error) {
  return fail(Errc::io, fmt::format("cannot open the log {}: {}", options.file, error.what()));
}

}  // namespace nithronfs

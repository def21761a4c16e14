// Writes access log lines: {"time","method","path","query","range","status","bytes"}; status 0 stands for a
// request without an answer, bytes is null where the length is not known beforehand.
#include "access_log.hpp"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace refserver {
namespace {

using nlohmann::json;

constexpr std::size_t query_shown = 1000;

class LoggedExchange final : public Exchange {
 public:
  LoggedExchange(AccessLog& log, const Request& request, std::unique_ptr<Exchange> inner)
      : log_(log), request_(request), inner_(std::move(inner)) {}
  ~LoggedExchange() override {
    if (!logged_) log_.write(request_, 0, nullptr);
  }

  std::optional<Response> refuse() override {
    auto response = inner_->refuse();
    if (response) note(*response);
    return response;
  }
  bool write(std::span<const std::byte> piece) override { return inner_->write(piece); }
  bool breaks_off() const override { return inner_->breaks_off(); }
  Response finish() override {
    auto response = inner_->finish();
    note(response);
    return response;
  }

 private:
  void note(const Response& response) {
    bool answered = !response.wire_fault || !response.wire_fault->no_answer;
    log_.write(request_, answered ? response.status : 0, &response);
    logged_ = true;
  }

  AccessLog& log_;
  Request request_;
  std::unique_ptr<Exchange> inner_;
  bool logged_ = false;
};

json body_size(const Request& request, const Response* response) {
  if (response == nullptr || request.method == "HEAD") return 0;
  if (const auto* text = std::get_if<std::string>(&response->body)) return text->size();
  if (const auto* file = std::get_if<FileBody>(&response->body)) return file->length;
  return nullptr;
}

}  // namespace

std::expected<std::unique_ptr<AccessLog>, std::string> AccessLog::open(const std::filesystem::path& file) {
  UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd) return std::unexpected(fmt::format("--access-log {}: {}", file.string(), std::strerror(errno)));
  return std::unique_ptr<AccessLog>(new AccessLog(std::move(fd)));
}

std::unique_ptr<Exchange> AccessLog::watch(const Request& request, std::unique_ptr<Exchange> inner) {
  return std::make_unique<LoggedExchange>(*this, request, std::move(inner));
}

void AccessLog::write(const Request& request, int status, const Response* response) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  auto range = request.headers.get("Range");
  json line{{"time", static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9},
            {"method", request.method},
            {"path", request.path},
            {"query", request.query.substr(0, query_shown)},
            {"range", range ? json(*range) : json(nullptr)},
            {"status", status},
            {"bytes", body_size(request, response)}};
  auto text = line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  // One write of an append-only file: lines of several threads do not mix.
  [[maybe_unused]] auto written = ::write(fd_.get(), text.data(), text.size());
}

}  // namespace refserver

// One line of JSON per request, for tests that count requests and for people who wonder.
#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <string>

#include "fd.hpp"
#include "http.hpp"

namespace refserver {

class AccessLog {
 public:
  static std::expected<std::unique_ptr<AccessLog>, std::string> open(const std::filesystem::path& file);

  // An exchange that logs its outcome before the first byte of the answer leaves, so that whoever has seen an
  // answer finds its line.
  std::unique_ptr<Exchange> watch(const Request& request, std::unique_ptr<Exchange> inner);

  void write(const Request& request, int status, const Response* response);

 private:
  explicit AccessLog(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace refserver

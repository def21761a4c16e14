// Misbehaviour on a script, for tests of clients. The format of the script is in README.md.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <condition_variable>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "http.hpp"

namespace refserver {

struct FaultAction {
  std::chrono::milliseconds delay{0};
  std::optional<int> status;  // answer this instead of performing the request
  Headers headers;
  std::string body;
  bool silence = false;                                   // no answer, connection open
  enum class Drop { no, before, after } drop = Drop::no;  // close without an answer
  bool reset = false;
  std::optional<std::uint64_t> cut_after;         // break the answer off in its body
  std::optional<std::uint64_t> content_length;    // claim this length
  std::optional<std::uint64_t> upload_cut_after;  // reset while the request's body arrives
};

struct FaultRule {
  std::string method;      // empty: any
  std::string path = "*";  // glob over the encoded path
  std::string query = "*";
  std::optional<bool> ranged;  // with or without a Range header
  std::uint64_t skip = 0;      // let the first matches pass
  std::uint64_t count = UINT64_MAX;
  FaultAction action;
};

std::expected<std::vector<FaultRule>, std::string> parse_faults(std::string_view json);

class Faults {
 public:
  // The file is read again whenever it was replaced or changed; all counts start over then.
  static std::expected<std::unique_ptr<Faults>, std::string> load(const std::filesystem::path& file);

  // The exchange for the request: what `open` makes of it, or with the first matching rule around it.
  std::unique_ptr<Exchange> open(const Request& request,
                                 const std::function<std::unique_ptr<Exchange>(const Request&)>& open_inner);

  // Ends delays and silences.
  void stop();

  // Blocks for that long, or until stop(). Used by exchanges.
  void wait(std::chrono::milliseconds time);

 private:
  struct Armed {
    FaultRule rule;
    std::uint64_t seen = 0;
  };
  explicit Faults(std::filesystem::path file) : file_(std::move(file)) {}
  std::optional<std::string> reload();
  std::optional<FaultAction> match(const Request& request);

  const std::filesystem::path file_;
  std::mutex mutex_;  // guards the rest
  std::condition_variable stopped_;
  bool stopping_ = false;
  struct stat loaded_{};
  std::vector<Armed> rules_;
};

}  // namespace refserver

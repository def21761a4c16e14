// Reads fault scripts and wraps exchanges in what they ask for.
#include "faults.hpp"

#include <fnmatch.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "log.hpp"

namespace refserver {
namespace {

using nlohmann::json;

constexpr auto silence_limit = std::chrono::minutes(10);
constexpr std::uint64_t garbage_limit = 256 * 1024 * 1024;

std::string garbage(std::size_t size) {
  std::mt19937_64 random(size);  // the same garbage each time
  std::string text(size, '\0');
  for (auto& c : text) c = static_cast<char>(random());
  return text;
}

// Reads one rule, complaining about every member that it does not know.
class RuleReader {
 public:
  explicit RuleReader(const json& object) : object_(object) {}

  FaultRule read() {
    FaultRule rule;
    rule.method = text("method", "");
    rule.path = text("path", "*");
    rule.query = text("query", "*");
    if (object_.contains("range")) rule.ranged = flag("range");
    rule.skip = number("skip").value_or(0);
    rule.count = number("count").value_or(UINT64_MAX);
    if (auto nth = number("nth")) {
      rule.skip = *nth == 0 ? 0 : *nth - 1;
      rule.count = 1;
    }
    read_action(rule.action);
    for (const auto& [name, value] : object_.items()) {
      if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
        throw std::runtime_error(fmt::format("unknown member \"{}\"", name));
      }
    }
    return rule;
  }

 private:
  void read_action(FaultAction& action) {
    action.delay = std::chrono::milliseconds(number("delay_ms").value_or(0));
    if (auto status = number("status")) action.status = static_cast<int>(*status);
    if (action.status && (*action.status < 200 || *action.status > 599)) {
      throw std::runtime_error("\"status\" has to be from 200 to 599");
    }
    if (const auto* headers = member("headers")) {
      for (const auto& [name, value] : headers->items()) action.headers.add(name, value.get<std::string>());
    }
    action.body = text("body", "");
    bool has_body = object_.contains("body") || object_.contains("body_bytes");
    if (auto size = number("body_bytes")) action.body = garbage(std::min(*size, garbage_limit));
    if (auto target = text("redirect", ""); !target.empty()) {
      action.headers.set("Location", target);
      if (!action.status) action.status = 307;
    }
    if (has_body && !action.status) action.status = 200;
    action.silence = flag("silence");
    auto drop = text("drop", "");
    if (drop == "before") action.drop = FaultAction::Drop::before;
    if (drop == "after") action.drop = FaultAction::Drop::after;
    if (!drop.empty() && action.drop == FaultAction::Drop::no) {
      throw std::runtime_error("\"drop\" has to be \"before\" or \"after\"");
    }
    action.reset = flag("reset");
    action.cut_after = number("close_after");
    if (auto cut = number("reset_after")) {
      action.cut_after = cut;
      action.reset = true;
    }
    action.content_length = number("content_length");
    action.upload_cut_after = number("upload_reset_after");
  }

  const json* member(const char* name) {
    known_.emplace_back(name);
    auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  std::string text(const char* name, const char* fallback) {
    const auto* value = member(name);
    return value == nullptr ? fallback : value->get<std::string>();
  }
  std::optional<std::uint64_t> number(const char* name) {
    const auto* value = member(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number_unsigned())
      throw std::runtime_error(fmt::format("\"{}\" has to be a number", name));
    return value->get<std::uint64_t>();
  }
  bool flag(const char* name) {
    const auto* value = member(name);
    return value != nullptr && value->get<bool>();
  }

  const json& object_;
  std::vector<std::string> known_;
};

class FaultyExchange final : public Exchange {
 public:
  FaultyExchange(Faults& faults, FaultAction action, std::unique_ptr<Exchange> inner)
      : faults_(faults), action_(std::move(action)), inner_(std::move(inner)) {}

  std::optional<Response> refuse() override {
    faults_.wait(action_.delay);
    if (action_.silence) {
      faults_.wait(silence_limit);
      return unanswered();
    }
    if (action_.drop == FaultAction::Drop::before) return unanswered();
    if (action_.status) return spoil({*action_.status, action_.headers, action_.body, {}});
    auto refused = inner_->refuse();
    return refused ? std::optional(spoil(std::move(*refused))) : std::nullopt;
  }

  bool write(std::span<const std::byte> piece) override {
    received_ += piece.size();
    if (action_.upload_cut_after && received_ > *action_.upload_cut_after) {
      inner_.reset();  // as if the client had gone away
      return false;
    }
    return inner_->write(piece);
  }

  bool breaks_off() const override { return inner_ == nullptr; }

  Response finish() override { return spoil(inner_->finish()); }

 private:
  Response unanswered() const {
    Response response;
    response.wire_fault = WireFault{.reset = action_.reset, .no_answer = true};
    return response;
  }

  Response spoil(Response response) const {
    if (action_.drop == FaultAction::Drop::after) return unanswered();
    if (action_.cut_after || action_.content_length) {
      response.wire_fault = WireFault{
          .cut_after = action_.cut_after, .reset = action_.reset, .announce = action_.content_length};
    }
    return response;
  }

  Faults& faults_;
  FaultAction action_;
  std::unique_ptr<Exchange> inner_;
  std::uint64_t received_ = 0;
};

bool fits(const FaultRule& rule, const Request& request) {
  if (!rule.method.empty() && rule.method != request.method) return false;
  if (rule.ranged && *rule.ranged != request.headers.has("Range")) return false;
  return ::fnmatch(rule.path.c_str(), request.path.c_str(), 0) == 0 &&
         ::fnmatch(rule.query.c_str(), request.query.c_str(), 0) == 0;
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

std::expected<std::vector<FaultRule>, std::string> parse_faults(std::string_view text) {
  std::vector<FaultRule> rules;
  try {
    auto script = json::parse(text);
    for (const auto& object : script.at("rules")) {
      if (!object.is_object()) return std::unexpected(std::string("a rule has to be an object"));
      rules.push_back(RuleReader(object).read());
    }
  } catch (const std::exception& error) {
    return std::unexpected(fmt::format("rule {}: {}", rules.size() + 1, error.what()));
  }
  return rules;
}

std::expected<std::unique_ptr<Faults>, std::string> Faults::load(const std::filesystem::path& file) {
  std::unique_ptr<Faults> faults(new Faults(file));
  if (auto problem = faults->reload()) return std::unexpected(*problem);
  return faults;
}

std::optional<std::string> Faults::reload() {
  struct stat status{};
  if (::stat(file_.c_str(), &status) != 0) return fmt::format("{}: {}", file_.string(), std::strerror(errno));
  if (same_file(status, loaded_)) return std::nullopt;
  loaded_ = status;
  std::ifstream in(file_, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  auto rules = parse_faults(text);
  if (!rules) return fmt::format("{}: {}", file_.string(), rules.error());
  rules_.clear();
  for (auto& rule : *rules) rules_.push_back({std::move(rule), 0});
  return std::nullopt;
}

std::optional<FaultAction> Faults::match(const Request& request) {
  std::lock_guard lock(mutex_);
  if (auto problem = reload()) log("faults: {}; the former rules stay", *problem);
  for (auto& [rule, seen] : rules_) {
    if (!fits(rule, request)) continue;
    auto turn = seen++;
    if (turn >= rule.skip && turn - rule.skip < rule.count) return rule.action;
  }
  return std::nullopt;
}

std::unique_ptr<Exchange> Faults::open(
    const Request& request, const std::function<std::unique_ptr<Exchange>(const Request&)>& open_inner) {
  auto action = match(request);
  if (!action) return open_inner(request);
  return std::make_unique<FaultyExchange>(*this, std::move(*action), open_inner(request));
}

void Faults::wait(std::chrono::milliseconds time) {
  if (time.count() <= 0) return;
  std::unique_lock lock(mutex_);
  stopped_.wait_for(lock, time, [this] { return stopping_; });
}

void Faults::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
}

}  // namespace refserver

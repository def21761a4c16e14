// Parses the command line and checks it as a whole.
#include "options.hpp"

#include <getopt.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <set>

#include <fmt/format.h>

#include "encoding.hpp"

namespace refserver {
namespace {

using Problem = std::optional<std::string>;

enum Key : int {
  key_listen = 256,
  key_state,
  key_share,
  key_user,
  key_profile,
  key_tls_cert,
  key_tls_key,
  key_tls_self_signed,
  key_faults,
  key_exclude,
  key_access_log,
  key_max_file_size,
  key_journal_limit,
  key_scan_interval,
  key_session_lifetime,
  key_device_lifetime,
  key_refresh_lifetime,
  key_login_limit,
  key_stock_cost,
  key_help,
  key_version,
};

constexpr std::array long_options{
    option{"listen", required_argument, nullptr, key_listen},
    option{"state", required_argument, nullptr, key_state},
    option{"share", required_argument, nullptr, key_share},
    option{"user", required_argument, nullptr, key_user},
    option{"profile", required_argument, nullptr, key_profile},
    option{"tls-cert", required_argument, nullptr, key_tls_cert},
    option{"tls-key", required_argument, nullptr, key_tls_key},
    option{"tls-self-signed", no_argument, nullptr, key_tls_self_signed},
    option{"faults", required_argument, nullptr, key_faults},
    option{"exclude", required_argument, nullptr, key_exclude},
    option{"access-log", required_argument, nullptr, key_access_log},
    option{"max-file-size", required_argument, nullptr, key_max_file_size},
    option{"journal-limit", required_argument, nullptr, key_journal_limit},
    option{"scan-interval", required_argument, nullptr, key_scan_interval},
    option{"session-lifetime", required_argument, nullptr, key_session_lifetime},
    option{"device-token-lifetime", required_argument, nullptr, key_device_lifetime},
    option{"refresh-token-lifetime", required_argument, nullptr, key_refresh_lifetime},
    option{"login-limit", required_argument, nullptr, key_login_limit},
    option{"stock-token-cost-ms", required_argument, nullptr, key_stock_cost},
    option{"help", no_argument, nullptr, key_help},
    option{"version", no_argument, nullptr, key_version},
    option{nullptr, 0, nullptr, 0},
};

template <typename Number>
Problem parse_number(std::string_view name, std::string_view text, Number low, Number high, Number& out) {
  Number value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high) {
    return fmt::format("--{}: a whole number from {} to {} is needed, not \"{}\"", name, low, high, text);
  }
  out = value;
  return std::nullopt;
}

Problem parse_listen(std::string_view text, Options& options) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return "--listen: ADDR:PORT is needed, such as 127.0.0.1:8443";
  auto address = text.substr(0, colon);
  if (address.size() >= 2 && address.front() == '[' && address.back() == ']') {
    address = address.substr(1, address.size() - 2);
  } else if (address.find(':') != std::string_view::npos) {
    return "--listen: an IPv6 address goes in brackets, such as [::1]:8443";
  }
  options.address = address == "localhost" ? "127.0.0.1" : std::string(address);
  return parse_number<std::uint16_t>("listen", text.substr(colon + 1), 0, 65535, options.port);
}

Problem parse_share(std::string_view text, Options& options) {
  auto equals = text.find('=');
  if (equals == std::string_view::npos) return "--share: NAME=DIR or NAME=DIR:ro is needed";
  ShareOption share;
  share.name = text.substr(0, equals);
  auto directory = text.substr(equals + 1);
  if (directory.ends_with(":ro")) {
    share.read_only = true;
    directory.remove_suffix(3);
  }
  share.directory = directory;
  bool usable = !share.name.empty() && share.name.size() <= 100 && is_utf8(share.name) &&
                share.name.find('/') == std::string::npos && share.name != "." && share.name != "..";
  if (!usable) return fmt::format("--share: \"{}\" cannot be the name of a share", share.name);
  if (directory.empty()) return fmt::format("--share {}: the directory is missing", share.name);
  options.shares.push_back(std::move(share));
  return std::nullopt;
}

Problem parse_user(char* argument, Options& options) {
  std::string_view text = argument;
  auto first = text.find(':');
  if (first == 0 || first == std::string_view::npos)
    return "--user: NAME:PASSWORD or NAME:PASSWORD:TOTP-SECRET is needed";
  UserOption user;
  user.name = text.substr(0, first);
  auto rest = text.substr(first + 1);
  auto second = rest.find(':');
  user.password = rest.substr(0, second);
  if (user.password.empty()) return fmt::format("--user {}: the password is empty", user.name);
  if (second != std::string_view::npos) {
    auto secret = base32_decode(rest.substr(second + 1));
    if (!secret || secret->size() < 10) {
      return fmt::format(
          "--user {}: what follows the second colon has to be a TOTP secret in base32, "
          "at least 16 characters (a password cannot hold a colon)",
          user.name);
    }
    user.totp_secret = std::move(*secret);
  }
  std::memset(argument + first + 1, '*', std::strlen(argument + first + 1));
  options.users.push_back(std::move(user));
  return std::nullopt;
}

Problem apply_number(int key, const char* text, Options& options) {
  constexpr std::int64_t century = std::int64_t{100} * 365 * 86400;
  switch (key) {
    case key_max_file_size: {
      std::uint64_t size = 0;
      auto problem = parse_number<std::uint64_t>("max-file-size", text, 1, INT64_MAX, size);
      options.max_file_size = size;
      return problem;
    }
    case key_journal_limit:
      return parse_number<std::uint64_t>("journal-limit", text, 1, 1'000'000'000, options.journal_limit);
    case key_scan_interval:
      return parse_number<std::uint64_t>("scan-interval", text, 1, 86400, options.scan_interval_seconds);
    case key_session_lifetime:
      return parse_number<std::int64_t>("session-lifetime", text, 1, century,
                                        options.accounts.session_seconds);
    case key_device_lifetime:
      return parse_number<std::int64_t>("device-token-lifetime", text, 1, century,
                                        options.devices.device_token_seconds);
    case key_refresh_lifetime:
      return parse_number<std::int64_t>("refresh-token-lifetime", text, 1, century,
                                        options.devices.refresh_token_seconds);
    case key_login_limit:
      return parse_number<unsigned>("login-limit", text, 1, 1'000'000, options.accounts.attempt_limit);
    default:
      return parse_number<std::uint64_t>("stock-token-cost-ms", text, 0, 60000, options.stock_token_cost_ms);
  }
}

Problem apply(int key, char* argument, Options& options) {
  switch (key) {
    case key_listen:
      return parse_listen(argument, options);
    case key_state:
      options.state = argument;
      return std::nullopt;
    case key_share:
      return parse_share(argument, options);
    case key_user:
      return parse_user(argument, options);
    case key_tls_cert:
      options.tls_certificate = argument;
      return std::nullopt;
    case key_tls_key:
      options.tls_key = argument;
      return std::nullopt;
    case key_tls_self_signed:
      options.tls_self_signed = true;
      return std::nullopt;
    case key_faults:
      options.faults = argument;
      return std::nullopt;
    case key_exclude:
      options.exclude_patterns.emplace_back(argument);
      return std::nullopt;
    case key_access_log:
      options.access_log = argument;
      return std::nullopt;
    case key_help:
      options.help = true;
      return std::nullopt;
    case key_version:
      options.version = true;
      return std::nullopt;
    case key_profile:
      options.profile = std::string_view(argument) == "stock" ? Profile::stock : Profile::full;
      if (std::string_view(argument) == "full" || std::string_view(argument) == "stock") return std::nullopt;
      return fmt::format("--profile: full or stock, not \"{}\"", argument);
    default:
      return apply_number(key, argument, options);
  }
}

Problem check_whole(const Options& options) {
  if (options.address.empty()) return "--listen ADDR:PORT is missing";
  if (options.state.empty()) return "--state DIR is missing";
  if (options.shares.empty()) return "at least one --share NAME=DIR is needed";
  if (options.users.empty()) return "at least one --user NAME:PASSWORD is needed";
  if (options.tls_certificate.empty() != options.tls_key.empty())
    return "--tls-cert and --tls-key go together";
  if (options.tls_self_signed && !options.tls_key.empty()) return "--tls-self-signed excludes --tls-cert";
  std::set<std::string> ids;
  for (const auto& share : options.shares) {
    auto id = share_id_of(share.name);
    if (!ids.insert(id).second) return fmt::format("two shares have the id \"{}\": choose other names", id);
    std::error_code error;
    if (!std::filesystem::is_directory(share.directory, error)) {
      return fmt::format("--share {}: {} is not a directory", share.name, share.directory.string());
    }
  }
  std::set<std::string> names;
  for (const auto& user : options.users) {
    if (!names.insert(user.name).second) return fmt::format("--user {}: named twice", user.name);
  }
  return std::nullopt;
}

}  // namespace

std::string share_id_of(const std::string& name) {
  std::string id;
  bool only_ascii = true;
  for (char c : name) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    bool capital = c >= 'A' && c <= 'Z';
    only_ascii = only_ascii && static_cast<unsigned char>(c) < 0x80;
    id += letter ? c : capital ? static_cast<char>(c - 'A' + 'a') : '-';
  }
  // Names in other scripts would all become dashes.
  return only_ascii ? id : hex(name).substr(0, 64);
}

std::expected<Options, std::string> parse_options(int argc, char** argv) {
  Options options;
  opterr = 0;
  optind = 1;
  while (true) {
    int before = optind;
    int key = ::getopt_long(argc, argv, "h", long_options.data(), nullptr);  // NOLINT(concurrency-mt-unsafe)
    if (key == -1) break;
    if (key == '?') {
      return std::unexpected(
          fmt::format("unknown option, or its value is missing: {}", argv[std::min(before, argc - 1)]));
    }
    if (auto problem = apply(key == 'h' ? int{key_help} : key, optarg, options))
      return std::unexpected(*problem);
  }
  if (options.help || options.version) return options;
  if (optind < argc) return std::unexpected(fmt::format("unexpected argument: {}", argv[optind]));
  if (auto problem = check_whole(options)) return std::unexpected(*problem);
  if (options.profile == Profile::stock) {
    for (const char* pattern : {"*.tmp", "*.temp", "~*", "*~", ".git", ".svn", "*.swp", "*.swo", "*.bak",
                                ".DS_Store", "Thumbs.db", "desktop.ini", "*.part"}) {
      options.exclude_patterns.emplace_back(pattern);
    }
  }
  return options;
}

const char* usage() {
  return R"(usage: nithron-refserver --listen ADDR:PORT --state DIR --share NAME=DIR[:ro] ...
                         --user NAME:PASSWORD[:TOTP-SECRET] ... [OPTIONS]

Serves directories over the NithronOS sync API and WebDAV. Prints one line,
"listening on URL", when it is ready; SIGTERM and SIGINT stop it.

  --listen ADDR:PORT        numeric address; [ADDR]:PORT for IPv6; port 0 takes any free one
  --state DIR               where the server keeps its own data (created if missing)
  --share NAME=DIR[:ro]     serve DIR as NAME, read-only with :ro; may be repeated
  --user NAME:PASSWORD[:TOTP-SECRET]
                            an account; the secret (base32) asks for a second factor; may be repeated
  --profile full|stock      full: the protocol done right, with extensions (default)
                            stock: as servers of late 2025 behave, hazards included
  --tls-cert F --tls-key F  serve HTTPS with this certificate and key (PEM)
  --tls-self-signed         serve HTTPS with a certificate made on first use, in DIR/tls
  --exclude GLOB            names that the change feed leaves out; may be repeated
  --max-file-size BYTES     the largest file that may be uploaded or synchronised
  --faults FILE             misbehave by this script (JSON, see README.md)
  --access-log FILE         append one line of JSON per request
  --journal-limit N         changes kept per share (default 1000000); older cursors expire
  --scan-interval SECONDS   how often a share is scanned that cannot be watched (default 30)
  --session-lifetime, --device-token-lifetime, --refresh-token-lifetime SECONDS
                            default 15 minutes, 90 days, 1 year
  --login-limit N           login attempts per 15 minutes, user and address (default 5)
  --stock-token-cost-ms N   stock: let each token check take that long (default 0; seen: about 60)
  --help, --version
)";
}

}  // namespace refserver

// The command line.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "accounts.hpp"
#include "devices.hpp"
#include "share.hpp"

namespace refserver {

struct ShareOption {
  std::string name;
  std::filesystem::path directory;
  bool read_only = false;
};

struct UserOption {
  std::string name;
  std::string password;
  std::string totp_secret;  // raw bytes; empty: none
};

struct Options {
  std::string address;
  std::uint16_t port = 0;
  std::filesystem::path state;
  std::vector<ShareOption> shares;
  std::vector<UserOption> users;
  Profile profile = Profile::full;
  std::filesystem::path tls_certificate;
  std::filesystem::path tls_key;
  bool tls_self_signed = false;
  std::filesystem::path faults;
  std::filesystem::path access_log;
  std::vector<std::string> exclude_patterns;
  std::optional<std::uint64_t> max_file_size;
  std::uint64_t journal_limit = 1'000'000;  // entries per share
  std::uint64_t scan_interval_seconds = 30;
  std::uint64_t stock_token_cost_ms = 0;
  AccountSettings accounts;
  DeviceSettings devices;
  bool help = false;
  bool version = false;
};

// Passwords in argv are overwritten, so that they do not stay in the process list.
std::expected<Options, std::string> parse_options(int argc, char** argv);

const char* usage();

// The id of a share on the wire: its name in lower case, with '-' for everything but letters and digits.
std::string share_id_of(const std::string& name);

}  // namespace refserver

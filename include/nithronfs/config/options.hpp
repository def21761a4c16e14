// Mount options: their types, units, defaults and ranges, and the one table that parsers, help texts, manual
// pages and completions are held against.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nithronfs/util/clock.hpp"
#include "nithronfs/util/log.hpp"
#include "nithronfs/util/result.hpp"

namespace nithronfs::config {

// An amount of disk space: so many bytes, or a share of the file system that the cache is on.
struct Space {
  std::uint64_t bytes = 0;
  unsigned percent = 0;  // 1..100; 0: `bytes` counts

  [[nodiscard]] std::uint64_t of(std::uint64_t file_system_bytes) const;
  friend bool operator==(const Space&, const Space&) = default;
};

// What mount(8) knows by itself and the kernel carries out.
struct KernelFlags {
  bool no_exec = false;
  bool no_suid = true;  // the default; `suid` takes it back
  bool no_dev = true;   // the default; `dev` takes it back
  bool no_atime = false;
  friend bool operator==(const KernelFlags&, const KernelFlags&) = default;
};

struct MountOptions {
  std::string share;      // empty: the one of the URL, else all
  std::string account;    // absolute path of the account file; empty: the server's default file
  std::string cache_dir;  // absolute; empty: the default. The mount uses a sub-directory named by its id
  std::string state_dir;  // likewise
  Space cache_size{.bytes = std::uint64_t{20} << 30};
  Space min_free{.percent = 5};
  Nanos poll = std::chrono::seconds(10);
  Nanos upload_delay = std::chrono::seconds(2);
  Nanos timeout = std::chrono::seconds(30);
  std::uint64_t bwlimit_down = 0;  // bytes per second; 0: no limit
  std::uint64_t bwlimit_up = 0;
  std::optional<std::uint32_t> uid;  // absent: the mounting user's
  std::optional<std::uint32_t> gid;
  unsigned umask = 022;
  std::optional<unsigned> file_mode;  // permission bits; absent: 0666 without umask
  std::optional<unsigned> dir_mode;   // absent: 0777 without umask
  std::optional<bool> allow_other;    // absent: root's mounts yes, others no (K21)
  bool ro = false;
  bool sync = false;
  bool local_blocks = false;
  bool insecure = false;
  std::string pinnedpubkey;  // "sha256//BASE64", several separated by ';'
  std::string ca;            // absolute path of a PEM file; empty: the system's
  LogLevel log_level = LogLevel::info;
  std::string metrics;  // ADDRESS:PORT; empty: none
  KernelFlags kernel;
  bool remount = false;

  // The permission bits that files and directories have where the server does not tell.
  [[nodiscard]] unsigned effective_file_mode() const { return file_mode.value_or(0666u & ~umask); }
  [[nodiscard]] unsigned effective_dir_mode() const { return dir_mode.value_or(0777u & ~umask); }
  friend bool operator==(const MountOptions&, const MountOptions&) = default;
};

// How far this version goes with an option.
enum class Effect : std::uint8_t {
  honoured,
  harmless,  // accepted; it concerns something that this version does not do, so nothing goes wrong
  refused,   // accepting it would promise something that this version does not keep
};

enum class ValueKind : std::uint8_t { flag, text, path, number, space, rate, duration, mode, endpoint };

struct OptionInfo {
  std::string_view name;
  ValueKind kind;
  std::string_view placeholder;   // "SIZE"; empty for flags
  std::string_view default_text;  // for people; empty: none
  std::string_view help;          // one line
  Effect effect;
  std::string_view reason;  // harmless, refused: why, and what to do instead
  // Errors: invalid_argument, without the option's name; apply_option() puts it in front.
  Result<void> (*apply)(MountOptions&, std::string_view value);
  // The value as a person would write it; empty: not set.
  std::string (*show)(const MountOptions&);
};

// Our own options, in the order of the manual page; also the keys of the configuration file.
[[nodiscard]] std::span<const OptionInfo> option_table();

struct GenericOptionInfo {
  std::string_view name;
  Effect effect;
  std::string_view help;
  void (*apply)(MountOptions&);  // null: nothing to do
};

// What mount(8), fstab and systemd write on every file system. `x-…`, `X-…` and `comment=…` are accepted too.
[[nodiscard]] std::span<const GenericOptionInfo> generic_option_table();

// One option as it was written somewhere.
struct Setting {
  std::string name;
  std::optional<std::string> value;
  friend bool operator==(const Setting&, const Setting&) = default;
};

// Splits what follows -o. A comma inside "double quotes" or after a backslash belongs to the value.
[[nodiscard]] Result<std::vector<Setting>> split_options(std::string_view text);

enum class Unknown : std::uint8_t { refuse, ignore };  // ignore: mount(8)'s -s

// Sets one option. A flag takes no value, or yes and no. Errors: invalid_argument (unknown name, with the
// nearest known one; bad value), not_supported (Effect::refused).
[[nodiscard]] Result<void> apply_option(MountOptions& options, const Setting& setting,
                                        Unknown unknown = Unknown::refuse);

}  // namespace nithronfs::config

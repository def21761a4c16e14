// The option table: one row per option, nothing said twice. A new option is a row here, a field of
// MountOptions, and a paragraph in nithronfs.conf(5); a test asks for the latter.
#include <fmt/format.h>

#include <array>
#include <limits>

#include "nithronfs/config/options.hpp"
#include "text.hpp"
#include "values.hpp"

namespace nithronfs::config {

namespace {

using Options = MountOptions;

// Puts a parsed value into a field, or hands the parser's error on.
template <class Field, class Value>
Result<void> store(Field& field, Result<Value> value) {
  if (!value) return fail(std::move(value.error()));
  field = static_cast<Value>(std::move(*value));
  return {};
}

// Rows of plain fields differ in the member and its parser only.
template <auto Member, auto Parse>
Result<void> apply_with(Options& options, std::string_view text) {
  return store(options.*Member, Parse(text));
}
template <auto Member>
std::string show_text(const Options& options) {
  return options.*Member;
}
template <auto Member>
std::string show_flag(const Options& options) {
  return options.*Member ? "yes" : "no";
}
template <auto Member>
std::string show_optional_mode(const Options& options) {
  return options.*Member ? show_mode(*(options.*Member)) : "";
}
template <auto Member>
std::string show_optional_number(const Options& options) {
  return options.*Member ? fmt::format("{}", *(options.*Member)) : "";
}
template <auto Member>
std::string show_space_of(const Options& options) {
  return show_space(options.*Member);
}
template <auto Member>
std::string show_rate_of(const Options& options) {
  return show_size(options.*Member);
}
template <auto Member>
std::string show_duration_of(const Options& options) {
  return show_duration(options.*Member);
}

Result<std::string> parse_share(std::string_view text) {
  if (!is_file_name(text))
    return fail(Errc::invalid_argument, "wants the name of a share, as the server shows it");
  return std::string(text);
}

// The kernel keeps the highest number for "no such user".
Result<std::uint32_t> parse_id(std::string_view text) {
  auto id = parse_number(text, std::numeric_limits<std::uint32_t>::max() - 1);
  if (!id) return fail(Errc::invalid_argument, "wants a number; `id -u NAME` and `id -g NAME` tell it");
  return static_cast<std::uint32_t>(*id);
}

Result<Nanos> parse_poll(std::string_view text) {
  return parse_duration(text, std::chrono::seconds(1), std::chrono::hours(24));
}
Result<Nanos> parse_delay(std::string_view text) {
  return parse_duration(text, Nanos(0), std::chrono::hours(1));
}
Result<Nanos> parse_timeout(std::string_view text) {
  return parse_duration(text, std::chrono::seconds(1), std::chrono::hours(1));
}

Result<void> apply_log_level(Options& options, std::string_view text) {
  auto level = parse_log_level(text);
  if (!level) return fail(Errc::invalid_argument, "wants debug, info, warning or error");
  options.log_level = *level;
  return {};
}
std::string show_log_level(const Options& options) {
  switch (options.log_level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "";
}
std::string show_allow_other(const Options& options) {
  return options.allow_other ? (*options.allow_other ? "yes" : "no") : "";
}

constexpr std::string_view kNothingIsUploaded = "this version changes nothing on the server";

constexpr std::array kOptions{
    OptionInfo{"share", ValueKind::text, "NAME", "all shares",
               "mount this share alone, as if it ended the URL", Effect::honoured, "",
               apply_with<&Options::share, parse_share>, show_text<&Options::share>},
    OptionInfo{"account", ValueKind::path, "FILE", "the file that nithronctl login wrote for the server",
               "account file", Effect::honoured, "", apply_with<&Options::account, parse_absolute_path>,
               show_text<&Options::account>},
    OptionInfo{"cache_dir", ValueKind::path, "DIRECTORY", "~/.cache/nithronfs, root: /var/cache/nithronfs",
               "where fetched data is kept; may be deleted at any time", Effect::honoured, "",
               apply_with<&Options::cache_dir, parse_absolute_path>, show_text<&Options::cache_dir>},
    OptionInfo{"state_dir", ValueKind::path, "DIRECTORY",
               "~/.local/state/nithronfs, root: /var/lib/nithronfs",
               "where the mount keeps what must not be lost", Effect::honoured, "",
               apply_with<&Options::state_dir, parse_absolute_path>, show_text<&Options::state_dir>},
    OptionInfo{"cache_size", ValueKind::space, "SIZE", "20G",
               "most that the cache may take; or 10% of its disk", Effect::honoured, "",
               apply_with<&Options::cache_size, parse_space>, show_space_of<&Options::cache_size>},
    OptionInfo{"min_free", ValueKind::space, "SIZE", "5%", "space to leave free on the disk of the cache",
               Effect::honoured, "", apply_with<&Options::min_free, parse_space>,
               show_space_of<&Options::min_free>},
    OptionInfo{"poll", ValueKind::duration, "TIME", "10s", "how long what the server said counts as current",
               Effect::honoured, "", apply_with<&Options::poll, parse_poll>,
               show_duration_of<&Options::poll>},
    OptionInfo{"upload_delay", ValueKind::duration, "TIME", "2s",
               "how long a file must be quiet before it is uploaded", Effect::harmless, kNothingIsUploaded,
               apply_with<&Options::upload_delay, parse_delay>, show_duration_of<&Options::upload_delay>},
    OptionInfo{"timeout", ValueKind::duration, "TIME", "30s", "longest wait for the server in one call",
               Effect::honoured, "", apply_with<&Options::timeout, parse_timeout>,
               show_duration_of<&Options::timeout>},
    OptionInfo{"bwlimit_down", ValueKind::rate, "RATE", "0",
               "bytes per second from the server: 500K, 10M; 0: no limit", Effect::refused,
               "this version cannot slow itself down; shape the traffic outside, or leave it out",
               apply_with<&Options::bwlimit_down, parse_rate>, show_rate_of<&Options::bwlimit_down>},
    OptionInfo{"bwlimit_up", ValueKind::rate, "RATE", "0", "bytes per second to the server", Effect::harmless,
               kNothingIsUploaded, apply_with<&Options::bwlimit_up, parse_rate>,
               show_rate_of<&Options::bwlimit_up>},
    OptionInfo{"uid", ValueKind::number, "NUMBER", "the mounting user's", "owner shown for all files",
               Effect::honoured, "", apply_with<&Options::uid, parse_id>,
               show_optional_number<&Options::uid>},
    OptionInfo{"gid", ValueKind::number, "NUMBER", "the mounting user's", "group shown for all files",
               Effect::honoured, "", apply_with<&Options::gid, parse_id>,
               show_optional_number<&Options::gid>},
    OptionInfo{"umask", ValueKind::mode, "OCTAL", "022",
               "permission bits to take away where the server tells none", Effect::honoured, "",
               apply_with<&Options::umask, parse_mode>,
               [](const Options& options) { return show_mode(options.umask); }},
    OptionInfo{"file_mode", ValueKind::mode, "OCTAL", "0666 without umask",
               "permission bits of files where the server tells none", Effect::honoured, "",
               apply_with<&Options::file_mode, parse_mode>, show_optional_mode<&Options::file_mode>},
    OptionInfo{"dir_mode", ValueKind::mode, "OCTAL", "0777 without umask",
               "permission bits of directories where the server tells none", Effect::honoured, "",
               apply_with<&Options::dir_mode, parse_mode>, show_optional_mode<&Options::dir_mode>},
    OptionInfo{"allow_other", ValueKind::flag, "", "yes for root, else no", "let other users in",
               Effect::honoured, "", apply_with<&Options::allow_other, parse_flag>, show_allow_other},
    OptionInfo{"ro", ValueKind::flag, "", "no", "mount read-only", Effect::honoured, "",
               apply_with<&Options::ro, parse_flag>, show_flag<&Options::ro>},
    OptionInfo{"sync", ValueKind::flag, "", "no", "close and fsync return when the server has the bytes",
               Effect::harmless, kNothingIsUploaded, apply_with<&Options::sync, parse_flag>,
               show_flag<&Options::sync>},
    OptionInfo{"local_blocks", ValueKind::flag, "", "no",
               "let du count what is cached here, not the whole file", Effect::honoured, "",
               apply_with<&Options::local_blocks, parse_flag>, show_flag<&Options::local_blocks>},
    OptionInfo{"insecure", ValueKind::flag, "", "no", "allow http:// to hosts other than this one",
               Effect::honoured, "", apply_with<&Options::insecure, parse_flag>,
               show_flag<&Options::insecure>},
    OptionInfo{"pinnedpubkey", ValueKind::text, "sha256//BASE64", "",
               "accept this public key of the server and no other", Effect::honoured, "",
               apply_with<&Options::pinnedpubkey, parse_pinned_key>, show_text<&Options::pinnedpubkey>},
    OptionInfo{"ca", ValueKind::path, "FILE", "the system's", "certificates to trust, in PEM form",
               Effect::honoured, "", apply_with<&Options::ca, parse_absolute_path>, show_text<&Options::ca>},
    OptionInfo{"log_level", ValueKind::text, "LEVEL", "info", "debug, info, warning or error",
               Effect::honoured, "", apply_log_level, show_log_level},
    OptionInfo{"metrics", ValueKind::endpoint, "ADDRESS:PORT", "", "serve metrics in Prometheus format there",
               Effect::refused, "this version serves no metrics; nithronctl status --json has the counters",
               apply_with<&Options::metrics, parse_endpoint>, show_text<&Options::metrics>},
};

constexpr std::array kGenericOptions{
    GenericOptionInfo{"rw", Effect::honoured, "the opposite of ro", [](Options& o) { o.ro = false; }},
    GenericOptionInfo{"noexec", Effect::honoured, "no program of the mount can be run",
                      [](Options& o) { o.kernel.no_exec = true; }},
    GenericOptionInfo{"exec", Effect::honoured, "the opposite, and the default",
                      [](Options& o) { o.kernel.no_exec = false; }},
    GenericOptionInfo{"nosuid", Effect::honoured, "set-user-id bits count for nothing; the default",
                      [](Options& o) { o.kernel.no_suid = true; }},
    GenericOptionInfo{"suid", Effect::honoured, "the opposite; root only",
                      [](Options& o) { o.kernel.no_suid = false; }},
    GenericOptionInfo{"nodev", Effect::honoured, "device nodes count for nothing; the default",
                      [](Options& o) { o.kernel.no_dev = true; }},
    GenericOptionInfo{"dev", Effect::honoured, "the opposite; root only",
                      [](Options& o) { o.kernel.no_dev = false; }},
    GenericOptionInfo{"noatime", Effect::honoured, "never record reading times",
                      [](Options& o) { o.kernel.no_atime = true; }},
    GenericOptionInfo{"async", Effect::honoured, "the opposite of sync", [](Options& o) { o.sync = false; }},
    GenericOptionInfo{"remount", Effect::refused,
                      "this version cannot change a running mount; unmount and mount again",
                      [](Options& o) { o.remount = true; }},
    GenericOptionInfo{"defaults", Effect::harmless, "nothing", nullptr},
    GenericOptionInfo{"auto", Effect::harmless, "for fstab: mount at boot", nullptr},
    GenericOptionInfo{"noauto", Effect::harmless, "for fstab: do not mount at boot", nullptr},
    GenericOptionInfo{"_netdev", Effect::harmless, "for fstab: needs the network", nullptr},
    GenericOptionInfo{"nofail", Effect::harmless, "for fstab: boot without it", nullptr},
    GenericOptionInfo{"user", Effect::harmless, "for fstab: users may mount it", nullptr},
    GenericOptionInfo{"users", Effect::harmless, "for fstab: users may mount and unmount it", nullptr},
    GenericOptionInfo{"nouser", Effect::harmless, "for fstab: only root may mount it", nullptr},
    GenericOptionInfo{"owner", Effect::harmless, "for fstab: as user, for the owner of the device", nullptr},
    GenericOptionInfo{"group", Effect::harmless, "for fstab: as user, for the group of the device", nullptr},
    GenericOptionInfo{"atime", Effect::harmless, "reading times are the server's business", nullptr},
    GenericOptionInfo{"relatime", Effect::harmless, "as atime", nullptr},
    GenericOptionInfo{"norelatime", Effect::harmless, "as atime", nullptr},
    GenericOptionInfo{"strictatime", Effect::harmless, "as atime", nullptr},
    GenericOptionInfo{"diratime", Effect::harmless, "as atime", nullptr},
    GenericOptionInfo{"nodiratime", Effect::harmless, "as atime", nullptr},
};

}  // namespace

std::span<const OptionInfo> option_table() {
  return kOptions;
}

std::span<const GenericOptionInfo> generic_option_table() {
  return kGenericOptions;
}

}  // namespace nithronfs::config

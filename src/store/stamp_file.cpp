// Codec of the stamp, and its durable replacement on disk.
#include "stamp_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include "nithronfs/util/unique_fd.hpp"

namespace nithronfs::store {
namespace {

constexpr const char* kName = "stamp";
constexpr const char* kNewName = "stamp.new";

// Takes "LABEL" and the rest of that line off the front of `text`.
std::optional<std::string_view> take_line(std::string_view& text, std::string_view label) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos || !text.starts_with(label)) return std::nullopt;
  const std::string_view value = text.substr(label.size(), end - label.size());
  text.remove_prefix(end + 1);
  return value;
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(system_error("cannot write the index stamp", errno));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

std::string encode_stamp(const Stamp& stamp) {
  return fmt::format("nithronfs index stamp 1\nschema {}\nboot {}\nclosed {}\n", stamp.schema, stamp.boot_id,
                     stamp.closed_cleanly ? "yes" : "no");
}

std::optional<Stamp> decode_stamp(std::string_view text) {
  const auto format = take_line(text, "nithronfs index stamp ");
  if (!format || *format != "1") return std::nullopt;
  const auto schema = take_line(text, "schema ");
  const auto boot = take_line(text, "boot ");
  const auto closed = take_line(text, "closed ");
  if (!schema || !boot || !closed || !text.empty()) return std::nullopt;
  if (*closed != "yes" && *closed != "no") return std::nullopt;
  Stamp stamp{.boot_id = std::string(*boot), .closed_cleanly = *closed == "yes"};
  const auto parsed = std::from_chars(schema->data(), schema->data() + schema->size(), stamp.schema);
  if (parsed.ec != std::errc() || parsed.ptr != schema->data() + schema->size()) return std::nullopt;
  return stamp;
}

Result<std::optional<Stamp>> read_stamp(int directory_fd) {
  const UniqueFd fd(::openat(directory_fd, kName, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) {
    if (errno == ENOENT) return std::optional<Stamp>();
    return fail(system_error("cannot open the index stamp", errno));
  }
  std::array<char, 512> text{};
  const ssize_t length = ::pread(fd.get(), text.data(), text.size(), 0);
  if (length < 0) return fail(system_error("cannot read the index stamp", errno));
  return decode_stamp(std::string_view(text.data(), static_cast<std::size_t>(length)));
}

Result<void> write_stamp(int directory_fd, const Stamp& stamp) {
  UniqueFd fd(::openat(directory_fd, kNewName, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail(system_error("cannot create the index stamp", errno));
  if (auto written = write_all(fd.get(), encode_stamp(stamp)); !written) return written;
  if (::fsync(fd.get()) != 0) return fail(system_error("cannot sync the index stamp", errno));
  fd.reset();
  if (::renameat(directory_fd, kNewName, directory_fd, kName) != 0) {
    return fail(system_error("cannot replace the index stamp", errno));
  }
  if (::fsync(directory_fd) != 0) return fail(system_error("cannot sync the index directory", errno));
  return {};
}

}  // namespace nithronfs::store

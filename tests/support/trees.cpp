// Generates and compares directory trees.
#include "trees.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <system_error>

#include "files.hpp"

namespace nithronfs::test {
namespace {

using Names = std::map<std::string, fs::file_status>;

// Throws std::filesystem::filesystem_error where the directory cannot be read to its end.
Names members(const fs::path& folder) {
  Names found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    found.emplace(entry.path().filename().string(), entry.symlink_status());
  }
  return found;
}

class Comparison {
 public:
  explicit Comparison(std::size_t limit) : limit_(limit) {}

  void folders(const fs::path& expected, const fs::path& actual, const std::string& relative) {
    Names left;
    Names right;
    try {
      left = members(expected);
      right = members(actual);
    } catch (const fs::filesystem_error& error) {
      report(relative, error.code().message());
      return;
    }
    for (const auto& [name, status] : right) {
      if (!left.contains(name)) report(relative + "/" + name, "is there, but should not be");
    }
    for (const auto& [name, status] : left) {
      if (full()) return;
      const std::string path = relative + "/" + name;
      const auto match = right.find(name);
      if (match == right.end()) {
        report(path, "is missing");
      } else if (match->second.type() != status.type()) {
        report(path, "is of another kind");
      } else if (fs::is_directory(status)) {
        folders(expected / name, actual / name, path);
      } else {
        files(expected / name, actual / name, path);
      }
    }
  }

  std::vector<std::string> take() { return std::move(lines_); }

 private:
  [[nodiscard]] bool full() const { return lines_.size() >= limit_; }

  void report(const std::string& path, const std::string& what) {
    if (!full()) lines_.push_back(printable(path.empty() ? "/" : path) + ": " + what);
  }

  void files(const fs::path& expected, const fs::path& actual, const std::string& path) {
    try {
      const auto size = fs::file_size(actual);
      if (size != fs::file_size(expected)) {
        report(path, fmt::format("has {} bytes instead of {}", size, fs::file_size(expected)));
      } else if (sha256_of_file(actual) != sha256_of_file(expected)) {
        report(path, "has other bytes");
      }
    } catch (const std::system_error& error) {
      report(path, error.code().message());
    }
  }

  const std::size_t limit_;
  std::vector<std::string> lines_;
};

std::string repeat(std::string_view text, std::size_t count) {
  std::string all;
  while (count-- > 0) all += text;
  return all;
}

void write_new(const fs::path& path, std::string_view content) {
  fs::create_directories(path.parent_path());
  write_file(path, content);
}

}  // namespace

std::vector<std::string> odd_names() {
  return {
      "with space",
      " leading and trailing ",
      "single'quote",
      "double\"quote",
      "back\\slash",
      "per%cent",
      "looks%20encoded",
      "%2e%2e",
      "hash#tag",
      "question?mark=1&b=2",
      "plus+sign",
      "semi;colon",
      "co:lon",
      "aster*isk",
      "pipe|less<and>more",
      "amp&ersand &amp; entity",
      "br[ack]{ets}(all)",
      "dollar$HOME `tick`",
      "tilde~",
      "at@sign",
      "comma,equals=",
      "caret^",
      "exclamation!",
      "new\nline",
      "tab\tbed",
      "bell\x07",
      "-leading-dash",
      ".leading-dot",
      "...",
      "..two-dots",
      "trailing-dot.",
      "nfc-\u00e9",   // é as one code point
      "nfd-e\u0301",  // é as a letter and a combining accent
      "\u00fcml\u00e4ut\u00df",
      "\u65e5\u672c\u8a9e",
      "\u0440\u0443\u0441",
      "\u0639\u0631\u0628\u064a",
      "emoji-\U0001F600",
      "line\u2028separator",
      repeat("n", 255),
      repeat("\u20ac", 85),  // 255 bytes, 85 characters
  };
}

std::vector<std::uint64_t> border_sizes() {
  constexpr std::uint64_t kib = 1024;
  constexpr std::uint64_t mib = 1024 * kib;
  return {0,       1,   4095,    4096,    4097,      64 * kib - 1,  64 * kib,      64 * kib + 1,
          mib - 1, mib, mib + 1, 4 * mib, 128 * kib, 128 * kib + 1, 5 * mib + 4097};
}

void make_sample_tree(const fs::path& root, const SampleTree& sample) {
  std::uint64_t seed = sample.seed * 1'000'000;
  fs::create_directories(root);
  for (unsigned i = 0; i < sample.small_files; ++i) {
    ++seed;
    const fs::path folder = root / "small" / std::to_string(i / 1000) / std::to_string(i / 250 % 4);
    write_new(folder / fmt::format("file-{:05}.txt", i), pattern(seed, (seed * 7919) % 2049));
  }
  if (sample.odd) {
    for (const std::string& name : odd_names()) {
      if (std::ranges::find(sample.without, name) != sample.without.end()) continue;
      ++seed;
      write_new(root / "odd" / name, pattern(seed, 100 + seed % 100));
      write_new(root / "odd-folders" / name / "inside", pattern(seed + 500'000, 10));
    }
    fs::create_directories(root / "empty folder");
  }
  if (sample.borders) {
    for (const std::uint64_t size : border_sizes()) {
      ++seed;
      write_new(root / "sizes" / fmt::format("{}.bin", size), pattern(seed, size));
    }
  }
}

std::vector<std::string> differences(const fs::path& expected, const fs::path& actual, std::size_t limit) {
  Comparison comparison(limit);
  comparison.folders(expected, actual, "");
  return comparison.take();
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\') {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace nithronfs::test

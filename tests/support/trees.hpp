// Sample trees from a seed, and the comparison of two trees: names, kinds, sizes, contents.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace nithronfs::test {

// Names that Linux allows and that careless code breaks: every special of URLs, shells, XML and path
// handling, both Unicode normal forms, the longest name.
[[nodiscard]] std::vector<std::string> odd_names();

// Sizes around the borders of pages, blocks and requests.
[[nodiscard]] std::vector<std::uint64_t> border_sizes();

struct SampleTree {
  std::uint64_t seed = 1;
  unsigned small_files = 200;  // of 0..2 KiB, in folders of up to 250 files, three levels deep
  bool odd = true;             // one file and one folder for each odd name
  bool borders = true;         // one file for each border size
  // Names that the server below cannot store; left out.
  std::vector<std::string> without;
};

void make_sample_tree(const std::filesystem::path& root, const SampleTree& sample);

// One line for each difference between `expected` and `actual`, at most `limit` of them; empty: equal. Reads
// every file of both to its end. Errors while reading `actual` are differences.
[[nodiscard]] std::vector<std::string> differences(const std::filesystem::path& expected,
                                                   const std::filesystem::path& actual,
                                                   std::size_t limit = 20);

// `text` with control characters, quotes and non-ASCII bytes escaped, for messages.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace nithronfs::test

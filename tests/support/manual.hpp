// Reads the project's manual pages, to hold them against the programs.
#pragma once

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <stdexcept>
#include <string>

namespace nithronfs {

// The source of one file; `path` is relative to the root of the source tree.
inline std::string source_text(const std::string& path) {
  std::ifstream file(std::string(SOURCE_ROOT) + "/" + path);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Part of a page: from the line ".Ss TITLE" to the next heading.
inline std::string section_of(const std::string& page, const std::string& title) {
  const auto begin = page.find("\n.Ss " + title + "\n");
  if (begin == std::string::npos) throw std::runtime_error("no section " + title);
  const auto end = std::min(page.find("\n.Ss ", begin + 1), page.find("\n.Sh ", begin + 1));
  return page.substr(begin, end - begin);
}

// First group of every match.
inline std::multiset<std::string> all_matches(const std::string& text, const std::string& expression) {
  const std::regex pattern(expression);
  std::multiset<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match)
    found.insert((*match)[1]);
  return found;
}

}  // namespace nithronfs

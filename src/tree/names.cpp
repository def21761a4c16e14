// Checking names, and choosing those of shares.
#include "names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace nithronfs::tree {

bool is_file_name(std::string_view name) {
  using namespace std::string_view_literals;
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find_first_of("/\0"sv) == std::string_view::npos;
}

std::vector<NamedShare> name_shares(
    std::span<const remote::Share> shares,
    const std::function<bool(const remote::Share&, std::string_view name)>& current) {
  std::vector<const remote::Share*> wanting;
  for (const remote::Share& share : shares) wanting.push_back(&share);
  std::ranges::stable_sort(wanting, {}, &remote::Share::id);
  const auto repeated = std::ranges::unique(wanting, {}, &remote::Share::id);
  wanting.erase(repeated.begin(), repeated.end());
  // Those that have their name already choose first.
  std::ranges::stable_sort(wanting, {},
                           [&](const remote::Share* share) { return !current(*share, share->name); });

  std::set<std::string, std::less<>> taken;
  std::vector<NamedShare> named;
  std::vector<const remote::Share*> second_choice;
  const auto try_name = [&](const remote::Share* share, std::string name) {
    if (!is_file_name(name) || !taken.insert(name).second) return false;
    named.push_back({share, std::move(name)});
    return true;
  };
  for (const remote::Share* share : wanting) {
    if (!try_name(share, share->name)) second_choice.push_back(share);
  }
  for (const remote::Share* share : second_choice) {
    const bool valid = is_file_name(share->name);
    if (valid && try_name(share, fmt::format("{} ({})", share->name, share->id))) continue;
    try_name(share, share->id);
  }
  return named;
}

}  // namespace nithronfs::tree

// Codec of the remembered share.
#include "identity.hpp"

namespace nithronfs::daemon {
namespace {

constexpr std::string_view row_key = "share";
constexpr char row_version = 1;

std::optional<std::string_view> take_text(std::string_view& row) {
  const auto end = row.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  const auto text = row.substr(0, end);
  row.remove_prefix(end + 1);
  return text;
}

}  // namespace

Result<std::optional<remote::Share>> load_share(const store::Environment& state, store::Table table) {
  const auto txn = state.read();
  const auto found = txn.get(table, row_key);
  if (!found) return fail(found.error());
  if (!*found) return std::nullopt;
  auto row = **found;
  const bool known_version = !row.empty() && row.front() == row_version;
  if (known_version) row.remove_prefix(1);
  const auto id = known_version ? take_text(row) : std::nullopt;
  const auto name = id ? take_text(row) : std::nullopt;
  if (!name || row.size() != 1) {
    return fail(Errc::corrupt,
                "the state directory was written by another version of nithronfs, or is damaged");
  }
  remote::Share share;
  share.id = *id;
  share.name = *name;
  share.read_only = row.front() == 'r';
  return share;
}

Result<void> save_share(store::Environment& state, store::Table table, const remote::Share& share) {
  std::string row(1, row_version);
  row.append(share.id).push_back('\0');
  row.append(share.name).push_back('\0');
  row.push_back(share.read_only ? 'r' : 'w');
  auto txn = state.write();
  if (auto put = txn.put(table, row_key, row); !put) return put;
  return txn.commit();
}

}  // namespace nithronfs::daemon

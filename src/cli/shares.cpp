// nithronctl shares: what an account can see on its server.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "output.hpp"
#include "target.hpp"

namespace nithronfs::cli {

namespace {

// The URL as given, else the server that the account file is for.
Result<std::string> server_url(const Invocation& invocation, const Context& context) {
  if (!invocation.arguments.empty()) return invocation.arguments.front();
  const auto file = invocation.get("--account");
  if (!file)
    return fail(Errc::invalid_argument, "say which server: nithronctl shares URL, or --account FILE");
  auto account = remote::AccountStore(context.environment.absolute(*file)).load();
  if (!account) return fail(std::move(account.error()));
  return account->server;
}

std::string as_json(const std::vector<remote::Share>& shares) {
  auto rows = nlohmann::ordered_json::array();
  for (const remote::Share& share : shares) {
    rows.push_back({{"id", share.id},
                    {"name", share.name},
                    {"total_size", share.total_size},
                    {"file_count", share.file_count},
                    {"read_only", share.read_only}});
  }
  return rows.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string as_table(const std::vector<remote::Share>& shares) {
  std::vector<std::vector<std::string>> rows{{"NAME", "SIZE", "FILES", "ACCESS"}};
  for (const remote::Share& share : shares) {
    rows.push_back({printable(share.name), human_size(share.total_size), fmt::format("{}", share.file_count),
                    share.read_only ? "read-only" : "read and write"});
  }
  return table(rows);
}

}  // namespace

Result<ExitCode> shares(const Invocation& invocation, Context& context) {
  auto url = server_url(invocation, context);
  if (!url) return fail(std::move(url.error()));
  auto target = target_of(*url, invocation, context);
  if (!target) return fail(std::move(target.error()));
  const auto found = context.servers.shares(target->connection, target->account_file);
  if (!found) return fail(found.error());
  if (invocation.has("--json")) {
    context.out << as_json(*found);
  } else if (found->empty()) {
    context.err << "nithronctl: this account sees no shares; whoever runs the server can give it some\n";
  } else {
    context.out << as_table(*found);
  }
  return ExitCode::done;
}

}  // namespace nithronfs::cli

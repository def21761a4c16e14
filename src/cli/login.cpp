// nithronctl login: asks for what is missing, registers this machine, stores the account.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <istream>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "nithronfs/config/paths.hpp"
#include "output.hpp"
#include "target.hpp"

namespace nithronfs::cli {

namespace {

constexpr std::size_t kMaxSecret = 4096;

Result<std::string> first_line(std::istream& stream, const std::string& name) {
  std::string line;
  std::getline(stream, line);
  if (line.ends_with('\r')) line.pop_back();
  if (stream.bad()) return fail(Errc::io, fmt::format("cannot read {}", name));
  if (line.empty()) return fail(Errc::invalid_argument, fmt::format("the first line of {} is empty", name));
  if (line.size() > kMaxSecret)
    return fail(Errc::too_large, fmt::format("the first line of {} is no password", name));
  return line;
}

Result<std::string> password_from(const std::string& path, Context& context) {
  if (path == "-") return first_line(context.in, "standard input");
  std::ifstream file(path);
  if (!file) return fail(system_error(fmt::format("cannot open {}", path), errno));
  return first_line(file, path);
}

// The value of `option`, else what is typed; a script is told which option to use.
Result<std::string> value_or_ask(const Invocation& invocation, Context& context, std::string_view option,
                                 const std::string& prompt) {
  if (auto value = invocation.get(option)) return std::move(*value);
  if (!context.terminal.present()) {
    return fail(Errc::invalid_argument,
                fmt::format("{} is missing, and there is no terminal to ask at", option));
  }
  return context.terminal.ask(prompt, Echo::on);
}

Result<std::string> get_password(const Invocation& invocation, Context& context, const std::string& prompt) {
  if (const auto path = invocation.get("--password-file")) return password_from(*path, context);
  if (!context.terminal.present()) {
    return fail(Errc::invalid_argument, "--password-file is missing, and there is no terminal to ask at");
  }
  return context.terminal.ask(prompt, Echo::off);
}

Result<remote::Credentials> get_credentials(const Invocation& invocation, Context& context,
                                            const std::string& origin) {
  auto username = value_or_ask(invocation, context, "--username", fmt::format("User name at {}: ", origin));
  if (!username) return fail(std::move(username.error()));
  if (username->empty()) return fail(Errc::invalid_argument, "the user name is empty");
  auto password = get_password(invocation, context, fmt::format("Password of {}: ", printable(*username)));
  if (!password) return fail(std::move(password.error()));
  if (password->empty()) return fail(Errc::invalid_argument, "the password is empty");
  return remote::Credentials{.username = std::move(*username),
                             .password = std::move(*password),
                             .code = invocation.get("--code").value_or(""),
                             .device_name = invocation.get("--device-name").value_or(context.host_name)};
}

// A device that is registered but whose tokens cannot be kept would be lost on the server.
Result<void> prepare_place(const std::string& account_file) {
  const std::string directory = std::filesystem::path(account_file).parent_path().string();
  std::error_code ignored;
  if (!std::filesystem::exists(directory, ignored)) {
    if (auto made = config::make_private_directory(directory); !made) return made;
  }
  if (access(directory.c_str(), W_OK | X_OK) != 0) {
    return fail(system_error(fmt::format("cannot store an account in {}", directory), errno));
  }
  return {};
}

// Servers say the same to a wrong password and to a missing code, and count both: so each attempt has
// something new.
Result<remote::Account> attempt(const Connection& connection, remote::Credentials credentials,
                                Context& context) {
  auto account = context.servers.register_device(connection, credentials);
  const bool may_want_code =
      !account && account.error().code == Errc::not_logged_in && credentials.code.empty();
  if (!may_want_code) return account;
  if (!context.terminal.present()) {
    return fail(Errc::not_logged_in,
                fmt::format("{}; if the account has a second factor, add --code", account.error().message));
  }
  context.err << "nithronctl: " << printable(account.error().message) << '\n';
  auto code = context.terminal.ask("Code of the second factor (empty: give up): ", Echo::on);
  if (!code || code->empty()) return account;
  credentials.code = std::move(*code);
  return context.servers.register_device(connection, std::move(credentials));
}

void print_outcome(const remote::Account& account, const std::string& file,
                   const std::string& replaced_device, Context& context) {
  context.out << fmt::format("Registered this machine at {} as \"{}\", for {}.\n", account.server,
                             printable(account.device_name), printable(account.username));
  context.out << fmt::format("The account is stored in {}, readable by you alone.\n", printable(file));
  if (!replaced_device.empty()) {
    context.out << fmt::format(
        "It replaces the device \"{}\", which you may now remove on the server's device page.\n",
        printable(replaced_device));
  }
  context.out << fmt::format("Next: nithronctl shares {0}\n      nithronfs {0} MOUNTPOINT\n", account.server);
}

void print_json(const remote::Account& account, const std::string& file, Context& context) {
  const nlohmann::ordered_json json{{"server", account.server},
                                    {"username", account.username},
                                    {"device_id", account.device_id},
                                    {"device_name", account.device_name},
                                    {"account", file}};
  context.out << json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
}

}  // namespace

Result<ExitCode> login(const Invocation& invocation, Context& context) {
  auto target = target_of(invocation.arguments.front(), invocation, context);
  if (!target) return fail(std::move(target.error()));
  if (auto ready = prepare_place(target->account_file); !ready) return fail(std::move(ready.error()));
  auto credentials = get_credentials(invocation, context, target->connection.origin);
  if (!credentials) return fail(std::move(credentials.error()));
  auto account = attempt(target->connection, std::move(*credentials), context);
  if (!account) return fail(std::move(account.error()));
  account->pinned_pubkey = target->connection.pinned_pubkey;

  const remote::AccountStore store(target->account_file);
  const auto before = store.load();
  if (auto saved = store.save(*account); !saved) return fail(std::move(saved.error()));
  if (invocation.has("--json")) {
    print_json(*account, target->account_file, context);
  } else {
    print_outcome(*account, target->account_file, before ? before->device_name : "", context);
  }
  return ExitCode::done;
}

}  // namespace nithronfs::cli

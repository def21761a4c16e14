// nithronctl mounts and status: asks the running mounts of this user about themselves.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "nithronfs/dbus/client.hpp"
#include "output.hpp"

namespace nithronfs::cli {

namespace {

using dbus::MountStatus;
using Json = nlohmann::ordered_json;

// What one mount answered.
struct Answer {
  std::string id;
  Result<MountStatus> status;
  std::unique_ptr<dbus::MountClient> client;  // null when it could not be reached
};

// Daemons that ended leave sockets behind: those are no mounts. One that does not answer is.
Result<std::vector<Answer>> ask_all(const Context& context) {
  const std::string directory = config::find_paths(context.environment).runtime_dir;
  const auto sockets = dbus::find_sockets(directory);
  if (!sockets) return fail(sockets.error());
  std::vector<Answer> answers;
  for (const std::string& socket : *sockets) {
    auto client = dbus::connect_mount(socket, context.mount_timeout);
    const std::string id = std::filesystem::path(socket).stem().string();
    if (!client) {
      if (client.error().code != Errc::offline)
        answers.push_back({id, fail(std::move(client.error())), nullptr});
      continue;
    }
    auto status = (*client)->status();
    if (!status && status.error().code == Errc::offline) continue;
    answers.push_back({id, std::move(status), std::move(*client)});
  }
  return answers;
}

std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json json_of(const Answer& answer) {
  if (!answer.status) {
    return {{"id", answer.id},
            {"error", name_of(answer.status.error().code)},
            {"message", answer.status.error().message}};
  }
  const MountStatus& status = *answer.status;
  return {{"id", answer.id},
          {"mount_point", status.mount_point},
          {"server", status.server},
          {"state", name_of(status.state)},
          {"online", status.online},
          {"feed_healthy", status.feed_healthy},
          {"last_sync_us", status.last_sync_us},
          {"pending_uploads", status.pending_uploads},
          {"pending_bytes", status.pending_bytes},
          {"cached_bytes", status.cached_bytes},
          {"cache_limit", status.cache_limit},
          {"problem_count", status.problems}};
}

void complain_about(const Answer& answer, Context& context) {
  context.err << fmt::format("nithronctl: mount {}: {}\n", answer.id,
                             printable(answer.status.error().message));
}

ExitCode exit_code_for(const std::vector<Answer>& answers) {
  const bool all_answered =
      std::ranges::all_of(answers, [](const Answer& answer) { return answer.status.has_value(); });
  return all_answered ? ExitCode::done : ExitCode::not_reachable;
}

// The mount that `path` is in, by spelling. The deepest one, because mounts can be inside mounts.
const Answer* mount_of(const std::string& path, const std::vector<Answer>& answers) {
  const Answer* best = nullptr;
  for (const Answer& answer : answers) {
    if (!answer.status) continue;
    const std::string& top = answer.status->mount_point;
    const bool inside = path == top || path.starts_with(top.ends_with('/') ? top : top + "/");
    if (inside && (best == nullptr || best->status->mount_point.size() < top.size())) best = &answer;
  }
  return best;
}

// By spelling first: a look at the disk would hang where a mount does not answer.
Result<std::size_t> find_mount(const std::string& path, const std::vector<Answer>& answers,
                               const Context& context) {
  const std::string absolute = context.environment.absolute(path);
  const Answer* found = mount_of(absolute, answers);
  if (found == nullptr) {
    std::error_code error;
    const auto resolved = std::filesystem::weakly_canonical(absolute, error);
    if (!error) found = mount_of(resolved.string(), answers);
  }
  if (found != nullptr) return static_cast<std::size_t>(found - answers.data());
  if (exit_code_for(answers) != ExitCode::done) {
    return fail(Errc::timed_out,
                fmt::format("no mount that answers has {} in it, and some do not answer", absolute));
  }
  return fail(Errc::not_found,
              fmt::format("{} is in none of your mounts; nithronctl mounts lists them", absolute));
}

Result<Json> detailed_json(const Answer& answer) {
  Json json = json_of(answer);
  if (!answer.status) return json;
  const auto problems = answer.client->problems();
  if (!problems) return fail(problems.error());
  const auto statistics = answer.client->statistics();
  if (!statistics) return fail(statistics.error());
  json["problems"] = Json::array();
  for (const dbus::Problem& problem : *problems) {
    json["problems"].push_back({{"id", problem.id},
                                {"kind", problem.kind},
                                {"path", problem.path},
                                {"message", problem.message},
                                {"since_us", problem.since_us}});
  }
  json["statistics"] = Json::object();
  for (const dbus::Statistic& statistic : *statistics) json["statistics"][statistic.name] = statistic.value;
  return json;
}

// A mount may be busy with what it has while the server is away.
std::string state_line(const MountStatus& status) {
  if (status.state == dbus::MountState::offline) return "offline";
  return fmt::format("{}, {}", name_of(status.state), status.online ? "online" : "offline");
}

std::string cache_line(const MountStatus& status) {
  if (status.cache_limit == 0) return human_size(status.cached_bytes);
  return fmt::format("{} of {}", human_size(status.cached_bytes), human_size(status.cache_limit));
}

Result<std::string> detailed_text(const Answer& answer, const Context& context) {
  const MountStatus& status = *answer.status;
  const auto problems = answer.client->problems();
  if (!problems) return fail(problems.error());
  std::string text = printable(status.mount_point) + "\n";
  const auto line = [&](std::string_view label, const std::string& value) {
    text += fmt::format("  {:<14}{}\n", label, value);
  };
  line("server", printable(status.server));
  line("state", state_line(status));
  line("last contact", human_age(status.last_sync_us, context.clock.wall()));
  line("cached", cache_line(status));
  if (status.pending_uploads > 0) {
    line("to upload", fmt::format("{} files, {}", status.pending_uploads, human_size(status.pending_bytes)));
  }
  line("problems", problems->empty() ? "none" : fmt::format("{}", problems->size()));
  for (const dbus::Problem& problem : *problems) {
    const std::string place = problem.path.empty() ? "" : printable(problem.path) + ": ";
    text += fmt::format("    {}{}\n", place, printable(problem.message));
  }
  return text;
}

Result<void> print_details(const std::vector<Answer>& answers, bool json, Context& context) {
  auto rows = Json::array();
  for (const Answer& answer : answers) {
    if (json) {
      auto row = detailed_json(answer);
      if (!row) return fail(std::move(row.error()));
      rows.push_back(std::move(*row));
    } else if (!answer.status) {
      complain_about(answer, context);
    } else {
      const auto text = detailed_text(answer, context);
      if (!text) return fail(text.error());
      context.out << *text;
    }
  }
  if (json) context.out << dump(rows);
  return {};
}

}  // namespace

Result<ExitCode> mounts(const Invocation& invocation, Context& context) {
  const auto answers = ask_all(context);
  if (!answers) return fail(answers.error());
  if (invocation.has("--json")) {
    auto rows = Json::array();
    for (const Answer& answer : *answers) rows.push_back(json_of(answer));
    context.out << dump(rows);
    return exit_code_for(*answers);
  }
  std::vector<std::vector<std::string>> rows{{"MOUNTPOINT", "SERVER", "STATE"}};
  for (const Answer& answer : *answers) {
    if (!answer.status) {
      complain_about(answer, context);
    } else {
      const MountStatus& status = *answer.status;
      rows.push_back(
          {printable(status.mount_point), printable(status.server), std::string(name_of(status.state))});
    }
  }
  if (rows.size() > 1) context.out << table(rows);
  if (answers->empty()) context.err << "nithronctl: none of your mounts is running\n";
  return exit_code_for(*answers);
}

Result<ExitCode> status(const Invocation& invocation, Context& context) {
  auto answers = ask_all(context);
  if (!answers) return fail(std::move(answers.error()));
  if (!invocation.arguments.empty()) {
    const auto index = find_mount(invocation.arguments.front(), *answers, context);
    if (!index) return fail(index.error());
    std::vector<Answer> chosen;
    chosen.push_back(std::move((*answers)[*index]));
    *answers = std::move(chosen);
  }
  if (auto printed = print_details(*answers, invocation.has("--json"), context); !printed) {
    return fail(std::move(printed.error()));
  }
  if (answers->empty() && !invocation.has("--json"))
    context.err << "nithronctl: none of your mounts is running\n";
  return exit_code_for(*answers);
}

}  // namespace nithronfs::cli

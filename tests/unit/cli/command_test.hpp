// A fixture that runs command lines in a home directory of their own and keeps what they print.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <sstream>

#include "fakes.hpp"
#include "files.hpp"
#include "nithronfs/util/executor.hpp"

namespace nithronfs::cli {

class CommandTest : public testing::Test {
 protected:
  // What was printed before is forgotten.
  ExitCode run(const std::vector<std::string>& words) {
    out_.str("");
    err_.str("");
    Context context{.environment = environment(),
                    .out = out_,
                    .err = err_,
                    .in = in_,
                    .terminal = terminal_,
                    .servers = servers_,
                    .clock = clock_,
                    .host_name = "laptop",
                    .mount_timeout = std::chrono::milliseconds(200)};
    return cli::run(words, context);
  }
  [[nodiscard]] config::Environment environment() const {
    return {.uid = 1000,
            .home = home_.path().string(),
            .working_directory = home_.path().string(),
            .variables = {{"XDG_RUNTIME_DIR", home_file("run")}}};
  }
  [[nodiscard]] std::string home_file(const std::string& name) const { return (home_ / name).string(); }
  [[nodiscard]] std::string out() const { return out_.str(); }
  [[nodiscard]] std::string err() const { return err_.str(); }

  test::TempDir home_;
  std::istringstream in_;
  ScriptedTerminal terminal_;
  FakeServers servers_;
  ManualExecutor clock_;

 private:
  std::ostringstream out_;
  std::ostringstream err_;
};

}  // namespace nithronfs::cli

// Processes are started, watched and ended as the tests believe.
#include "process.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include "files.hpp"

namespace nithronfs::test {
namespace {

Command shell(const std::string& script, const fs::path& output = {}) {
  return {.arguments = {"sh", "-c", script}, .output = output};
}

TEST(Process, TellsExitCodesAndSignals) {
  EXPECT_EQ(run(shell("exit 3")).exit, (Exit{3, 0}));
  EXPECT_EQ(run(shell("kill -9 $$")).exit, (Exit{-1, SIGKILL}));
}

TEST(Process, PassesInputAndEnvironment) {
  Command command = shell("read line; echo \"$line $GREETING\"");
  command.input = "hello\n";
  command.environment = {{"GREETING", "world"}};
  EXPECT_EQ(run(command).output, "hello world\n");
}

TEST(Process, FindsALineAndKnowsWhenNoneWillCome) {
  const TempDir folder;
  ChildProcess talking(shell("echo one; echo two words; read wait", folder / "a"));
  EXPECT_EQ(talking.wait_for_line("two"), "two words");
  ChildProcess silent(shell("exit 0", folder / "b"));
  EXPECT_EQ(silent.wait_for_line("anything"), std::nullopt);
}

TEST(Process, EndsWhatItStarted) {
  pid_t pid = 0;
  {
    const ChildProcess child(shell("exec tail -f /dev/null"));
    pid = child.pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST(Process, MissingProgramsAreNamed) {
  EXPECT_THROW(ChildProcess({.arguments = {"no-such-program"}}), std::runtime_error);
}

TEST(Eventually, EndsAtItsDeadline) {
  EXPECT_FALSE(eventually([] { return false; }, milliseconds(20)));
  EXPECT_TRUE(eventually([] { return true; }, milliseconds(0)));
}

}  // namespace
}  // namespace nithronfs::test

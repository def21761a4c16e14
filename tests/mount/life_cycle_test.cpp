// A mount's life: start, background, end, crash and recovery; and that errors are one clear line.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <sstream>
#include <thread>

#include "nithronfs/util/unique_fd.hpp"
#include "scenario.hpp"

namespace nithronfs::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class LifeCycleTest : public MountTest {
 protected:
  LifeCycleTest() { write_file(share("file"), "content"); }

  // What a daemon prints and returns that is not expected to come up. `arguments` follow the program's name.
  Finished refused(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), programs().daemon);
    return run(
        {.arguments = std::move(arguments),
         .environment = {{"HOME", home_.path().string()}, {"XDG_RUNTIME_DIR", home_.path().string()}}});
  }
  // In the background too: whoever reads the terminal must see the same line.
  void expect_one_clear_line(const std::vector<std::string>& arguments, const std::string& about) {
    for (const bool foreground : {true, false}) {
      std::vector<std::string> all = arguments;
      if (foreground) all.emplace_back("-f");
      const Finished finished = refused(all);
      EXPECT_NE(finished.exit, (Exit{0, 0}));
      EXPECT_EQ(finished.exit.signal, 0);
      EXPECT_THAT(finished.output, HasSubstr(about));
      EXPECT_EQ(std::ranges::count(finished.output, '\n'), 1) << finished.output;
    }
  }
  std::string options() {
    const std::string home = home_.path().string();
    return "cache_dir=" + home + "/cache,state_dir=" + home + "/state,account=" + home + "/account.json";
  }
  fs::path empty_folder() {
    fs::create_directories(home_ / "mnt");
    return home_ / "mnt";
  }

  TempDir home_;
};

TEST_F(LifeCycleTest, SigtermUnmountsCleanly) {
  mount();
  EXPECT_EQ(read_file(at("file")), "content");
  EXPECT_EQ(mount_->stop(), (Exit{0, 0}));
  EXPECT_FALSE(mount_->mounted());
  EXPECT_TRUE(fs::is_empty(mount_->root()));
}

TEST_F(LifeCycleTest, SigtermUnmountsWhileSomebodyWaitsAndAFileIsOpen) {
  write_file(share("big"), pattern(1, 1 << 20));
  mount({settled, "timeout=60s"});
  const UniqueFd open_file(::open(at("file").c_str(), O_RDONLY | O_CLOEXEC));
  proxy_.set({.stall = true});
  const TempDir folder;
  ChildProcess reader({.arguments = {"cat", at("big").string()}, .output = folder / "out"});
  ASSERT_TRUE(eventually([&] { return proxy_.count("GET", "big") > 0; }));
  EXPECT_LT(time_of([&] { EXPECT_EQ(mount_->stop(), (Exit{0, 0})); }), seconds(10));
  EXPECT_FALSE(mount_->mounted());
  EXPECT_NE(reader.wait(), (Exit{0, 0}));
}

TEST_F(LifeCycleTest, UmountEndsTheDaemon) {
  mount();
  const Finished finished = run({.arguments = {"fusermount3", "-u", mount_->root().string()}});
  EXPECT_EQ(finished.exit, (Exit{0, 0})) << finished.output;
  EXPECT_FALSE(mount_->mounted());
  // By itself: SIGTERM would hide that it stayed.
  EXPECT_EQ(mount_->wait(), (Exit{0, 0}));
}

TEST_F(LifeCycleTest, GoesToTheBackgroundOnceTheMountAnswers) {
  std::ignore = login(server_.url(), home_ / "account.json");
  const fs::path folder = empty_folder();
  const Finished finished = refused({server_.url() + "/share", folder.string(), "-o", options()});
  EXPECT_EQ(finished.exit, (Exit{0, 0})) << finished.output;
  EXPECT_EQ(try_read_all(folder / "file").bytes, "content");
  EXPECT_THAT(finished.output, IsEmpty());
  EXPECT_EQ(run({.arguments = {"fusermount3", "-u", folder.string()}}).exit, (Exit{0, 0}));
  EXPECT_FALSE(is_mount_point(folder));
}

TEST_F(LifeCycleTest, ShowsItselfAsFuseNithronfsWithTheUrlAsSource) {
  mount();
  std::istringstream lines(read_file("/proc/self/mounts"));
  std::string found;
  for (std::string line; std::getline(lines, line);) {
    if (line.find(mount_->root().string()) != std::string::npos) found = line;
  }
  EXPECT_THAT(found, HasSubstr(" fuse.nithronfs "));
  EXPECT_THAT(found, HasSubstr("http://127.0.0.1:"));
  EXPECT_THAT(found, HasSubstr("nosuid,nodev"));
  EXPECT_THAT(found, HasSubstr("default_permissions"));
}

TEST_F(LifeCycleTest, AStaleMountPointIsRecoveredAtStart) {
  mount();
  EXPECT_EQ(read_file(at("file")), "content");
  mount_->kill();
  EXPECT_TRUE(mount_->mounted());
  EXPECT_ERRNO(try_read_all(at("file")).error, ENOTCONN);
  mount_->start();
  EXPECT_EQ(read_file(at("file")), "content");
  EXPECT_EQ(mount_->stop(), (Exit{0, 0}));
  EXPECT_FALSE(mount_->mounted()) << "the dead mount was left below the new one";
}

TEST_F(LifeCycleTest, AStaleMountPointIsRecoveredAlsoWhenTheKernelStillRemembersItsAttributes) {
  mount();
  std::ignore = inode_of(mount_->root());
  mount_->kill();
  EXPECT_NE(inode_of(mount_->root()), 0U) << "the kernel forgot; this test proves nothing";
  mount_->start();
  EXPECT_EQ(read_file(at("file")), "content");
  EXPECT_EQ(mount_->stop(), (Exit{0, 0}));
  EXPECT_FALSE(mount_->mounted()) << "the dead mount was left below the new one";
}

TEST_F(LifeCycleTest, KillDuringHeavyReadingLosesNothingAndShowsNothingWrong) {
  make_sample_tree(share(), {.seed = 21, .small_files = 300});
  write_file(share("big"), pattern(77, 32 << 20));
  mount();
  for (unsigned round = 0; round < 4; ++round) {
    std::vector<std::thread> readers;
    for (unsigned i = 0; i < 4; ++i) {
      readers.emplace_back([&] {
        // Errors are expected when the daemon dies; wrong bytes never are.
        for (const std::string& line : differences(share(), mount_->root(), 10'000)) {
          EXPECT_THAT(line, Not(HasSubstr("other bytes")));
          EXPECT_THAT(line, Not(HasSubstr("instead of")));
        }
      });
    }
    const std::size_t enough = proxy_.counters().from_server + (round + 1) * (5U << 20);
    EXPECT_TRUE(eventually([&] { return proxy_.counters().from_server > enough; }, seconds(5)) || round > 0);
    mount_->kill();
    for (std::thread& reader : readers) reader.join();
    mount_->start();
  }
  EXPECT_THAT(differences(share(), mount_->root()), IsEmpty());
}

TEST_F(LifeCycleTest, TheCacheDirectoryMayBeDeletedWhileMounted) {
  make_sample_tree(share(), {.seed = 22, .small_files = 200});
  mount();
  EXPECT_THAT(differences(share(), mount_->root()), IsEmpty());
  fs::remove_all(mount_->cache_dir());
  EXPECT_THAT(differences(share(), mount_->root()), IsEmpty());
  mount_->remount();
  EXPECT_THAT(differences(share(), mount_->root()), IsEmpty());
}

TEST_F(LifeCycleTest, DataFilesMayBeDeletedOrEmptiedWhileMounted) {
  write_file(share("big"), pattern(5, 4 << 20));
  mount();
  EXPECT_EQ(sha256_of_file(at("big")), sha256(pattern(5, 4 << 20)));
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(mount_->cache_dir())) {
    if (entry.is_regular_file() && entry.file_size() >= (4 << 20)) files.push_back(entry.path());
  }
  for (const fs::path& file : files) fs::remove(file);
  forget_pages(at("big"));
  EXPECT_EQ(sha256_of_file(at("big")), sha256(pattern(5, 4 << 20)));
}

TEST_F(LifeCycleTest, ACorruptIndexIsThrownAway) {
  mount();
  EXPECT_EQ(read_file(at("file")), "content");
  EXPECT_EQ(mount_->stop(), (Exit{0, 0}));
  unsigned spoiled = 0;
  for (const auto& entry : fs::recursive_directory_iterator(mount_->cache_dir())) {
    if (entry.path().extension() != ".mdb" || entry.path().filename() == "lock.mdb") continue;
    write_file(entry.path(), pattern(13, 65536));
    ++spoiled;
  }
  EXPECT_GT(spoiled, 0U);
  mount_->start();
  EXPECT_EQ(read_file(at("file")), "content");
}

TEST_F(LifeCycleTest, ASecondDaemonOnTheSameStateIsRefused) {
  mount();
  const fs::path other = empty_folder();
  Command command = mount_->command();
  command.arguments[2] = other.string();
  command.output.clear();
  const Finished finished = run(command);
  EXPECT_NE(finished.exit, (Exit{0, 0}));
  EXPECT_THAT(finished.output, AnyOf(HasSubstr("already"), HasSubstr("in use")));
  EXPECT_FALSE(is_mount_point(other));
  EXPECT_EQ(read_file(at("file")), "content");
}

TEST_F(LifeCycleTest, ASecondMountOnTheSameDirectoryIsRefused) {
  mount();
  std::ignore = login(server_.url(), home_ / "account.json");
  expect_one_clear_line({server_.url() + "/share", mount_->root().string(), "-o", options()},
                        mount_->root().string());
  EXPECT_EQ(read_file(at("file")), "content");
}

TEST_F(LifeCycleTest, ErrorsAreOneClearLine) {
  const std::string url = server_.url() + "/share";
  const std::string folder = empty_folder().string();
  expect_one_clear_line({url, (home_ / "missing").string(), "-o", options()}, "missing");
  write_file(home_ / "a-file", "");
  expect_one_clear_line({url, (home_ / "a-file").string(), "-o", options()}, "a-file");
  expect_one_clear_line({"ftp://127.0.0.1/", folder, "-o", options()}, "https://");
  expect_one_clear_line({"http://192.0.2.1/share", folder, "-o", options()}, "insecure");
  expect_one_clear_line({url, folder, "-o", options() + ",no_such_option=1"}, "no_such_option");
  expect_one_clear_line({url, folder, "-o", options() + ",timeout=soon"}, "timeout");
  expect_one_clear_line({url, folder, "-o", options()}, "nithronctl login");
}

TEST_F(LifeCycleTest, AShareThatDoesNotExistIsNamed) {
  std::ignore = login(server_.url(), home_ / "account.json");
  const Finished finished =
      refused({server_.url() + "/nowhere", empty_folder().string(), "-f", "-o", options()});
  EXPECT_NE(finished.exit, (Exit{0, 0}));
  EXPECT_THAT(finished.output, HasSubstr("nowhere"));
}

TEST_F(LifeCycleTest, NoSecretShowsInLogsOrArguments) {
  mount({settled, "log_level=debug"});
  EXPECT_EQ(read_file(at("file")), "content");
  server_.set_faults(R"([{"path":"/dav/*","status":401}])");
  write_file(share("other"), "x");
  std::ignore = try_read_all(at("other"));
  const std::string arguments = read_file("/proc/" + std::to_string(mount_->pid()) + "/cmdline");
  const std::string environment = read_file("/proc/" + std::to_string(mount_->pid()) + "/environ");
  const std::string account = read_file(mount_->account());
  EXPECT_THAT(account, HasSubstr("nos_dt_"));  // so that the next lines mean something
  for (const std::string& text : {mount_->log(), arguments, environment, read_file("/proc/self/mounts")}) {
    EXPECT_THAT(text, Not(HasSubstr("nos_dt_")));
    EXPECT_THAT(text, Not(HasSubstr("nos_rt_")));
    EXPECT_THAT(text, Not(HasSubstr(RefServer::password)));
  }
  struct stat status{};
  ASSERT_EQ(::stat(mount_->account().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(LifeCycleTest, MountsAndStatusTellAboutARunningMount) {
  mount();
  EXPECT_EQ(read_file(at("file")), "content");
  const auto control = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), programs().control);
    return run({.arguments = std::move(arguments), .environment = mount_->command().environment});
  };
  const Finished mounts = control({"mounts"});
  EXPECT_EQ(mounts.exit, (Exit{0, 0})) << mounts.output;
  EXPECT_THAT(mounts.output, HasSubstr(mount_->root().string()));
  const Finished status = control({"status", mount_->root().string()});
  EXPECT_EQ(status.exit, (Exit{0, 0})) << status.output;
  EXPECT_THAT(status.output, HasSubstr(mount_->root().string()));
  const Finished json = control({"status", "--json", mount_->root().string()});
  EXPECT_EQ(json.exit, (Exit{0, 0})) << json.output;
  EXPECT_THAT(json.output, ::testing::StartsWith("["));
}

TEST_F(LifeCycleTest, SharesListsWhatTheAccountSees) {
  std::ignore = login(server_.url(), home_ / "account.json");
  const Finished finished =
      run({.arguments = {programs().control, "shares", "--account", (home_ / "account.json").string()},
           .environment = {{"HOME", home_.path().string()}}});
  EXPECT_EQ(finished.exit, (Exit{0, 0})) << finished.output;
  EXPECT_THAT(finished.output, HasSubstr("share"));
}

TEST_F(LifeCycleTest, AWrongPasswordIsRefusedAndLeavesNoAccount) {
  write_file(home_ / "password", "wrong");
  fs::permissions(home_ / "password", fs::perms(0600));
  const Finished finished =
      run({.arguments = {programs().control, "login", server_.url(), "--username", RefServer::user,
                         "--password-file", (home_ / "password").string(), "--account",
                         (home_ / "account.json").string()}});
  EXPECT_EQ(finished.exit, (Exit{1, 0}));
  EXPECT_THAT(finished.output, HasSubstr("password"));
  EXPECT_FALSE(fs::exists(home_ / "account.json"));
  EXPECT_EQ(server_.count("POST", "/auth/login"), 1U) << "servers count attempts";
}

}  // namespace
}  // namespace nithronfs::test

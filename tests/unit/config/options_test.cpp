// Option strings, single options, their units and ranges, and what is said about mistakes.
#include "nithronfs/config/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace nithronfs::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Applies "a,b=c" to defaults.
Result<MountOptions> options_of(std::string_view text) {
  auto settings = split_options(text);
  if (!settings) return fail(std::move(settings.error()));
  MountOptions options;
  for (const Setting& setting : *settings) {
    if (auto done = apply_option(options, setting); !done) return fail(std::move(done.error()));
  }
  return options;
}

MountOptions good(std::string_view text) {
  auto options = options_of(text);
  EXPECT_TRUE(options) << text << ": " << (options ? "" : options.error().message);
  return options.value_or(MountOptions{});
}

TEST(SplitOptions, CommasSeparateUnlessQuotedOrEscaped) {
  EXPECT_THAT(*split_options("ro,,poll=5s,"),
              ElementsAre(Setting{"ro", std::nullopt}, Setting{"poll", "5s"}));
  EXPECT_THAT(*split_options(R"(share="a,b",ca=/x\,y,account=/p\\q)"),
              ElementsAre(Setting{"share", "a,b"}, Setting{"ca", "/x,y"}, Setting{"account", "/p\\q"}));
  EXPECT_THAT(*split_options("share=a=b,uid="), ElementsAre(Setting{"share", "a=b"}, Setting{"uid", ""}));
  EXPECT_THAT(*split_options(""), IsEmpty());
  EXPECT_FALSE(split_options("share=\"a,ro"));
}

TEST(Options, EveryKindOfValueIsRead) {
  const MountOptions options = good(
      "share=My "
      "Files,account=/a/b,cache_dir=/c,state_dir=/"
      "s,cache_size=50%,min_free=1G,poll=2m,upload_delay=0,timeout=1500ms,"
      "bwlimit_up=10M/"
      "s,uid=1000,gid=0,umask=077,file_mode=0640,dir_mode=750,allow_other,ro,sync,local_blocks,"
      "insecure,ca=/ca.pem,log_level=debug,noexec,noatime");
  EXPECT_EQ(options.share, "My Files");
  EXPECT_EQ(options.account, "/a/b");
  EXPECT_EQ(options.cache_size, (Space{.percent = 50}));
  EXPECT_EQ(options.min_free, (Space{.bytes = std::uint64_t{1} << 30}));
  EXPECT_EQ(options.poll, std::chrono::minutes(2));
  EXPECT_EQ(options.upload_delay, Nanos(0));
  EXPECT_EQ(options.timeout, std::chrono::milliseconds(1500));
  EXPECT_EQ(options.bwlimit_up, std::uint64_t{10} << 20);
  EXPECT_EQ(options.uid, 1000u);
  EXPECT_EQ(options.gid, 0u);
  EXPECT_EQ(options.umask, 077u);
  EXPECT_EQ(options.effective_file_mode(), 0640u);
  EXPECT_EQ(options.effective_dir_mode(), 0750u);
  EXPECT_EQ(options.allow_other, true);
  EXPECT_TRUE(options.ro && options.sync && options.local_blocks && options.insecure);
  EXPECT_EQ(options.log_level, LogLevel::debug);
  EXPECT_EQ(options.kernel,
            (KernelFlags{.no_exec = true, .no_suid = true, .no_dev = true, .no_atime = true}));
}

TEST(Options, TheUmaskShapesModesThatNobodyGave) {
  const MountOptions options = good("umask=027");
  EXPECT_EQ(options.effective_file_mode(), 0640u);
  EXPECT_EQ(options.effective_dir_mode(), 0750u);
}

TEST(Options, TheLastOfTwoWins) {
  EXPECT_EQ(good("poll=5s,poll=1m").poll, std::chrono::minutes(1));
  EXPECT_FALSE(good("ro,rw").ro);
  EXPECT_FALSE(good("allow_other,allow_other=no").allow_other.value_or(true));
  EXPECT_FALSE(good("sync,async").sync);
  EXPECT_EQ(good("noexec,nosuid,nodev,exec,suid,dev").kernel,
            (KernelFlags{.no_exec = false, .no_suid = false, .no_dev = false, .no_atime = false}));
}

TEST(Options, WhatFstabAndSystemdWriteIsAccepted) {
  EXPECT_EQ(good("defaults,noauto,auto,_netdev,nofail,user,user=anna,users,nouser,rw,exec,relatime,"
                 "x-systemd.automount,x-systemd.idle-timeout=60,X-mount.mkdir,x-gvfs-name=NAS,comment=mine"),
            MountOptions{});
}

TEST(Options, SpaceIsBytesOrAPercentage) {
  EXPECT_EQ((Space{.bytes = 7}.of(1000)), 7u);
  EXPECT_EQ((Space{.percent = 5}.of(std::uint64_t{1} << 60)), (std::uint64_t{1} << 60) / 100 * 5);
}

struct Mistake {
  const char* text;
  const char* said;
};

class OptionMistakes : public testing::TestWithParam<Mistake> {};

TEST_P(OptionMistakes, AreRefusedByNameAndWithAdvice) {
  const auto options = options_of(GetParam().text);
  ASSERT_FALSE(options);
  EXPECT_EQ(options.error().code, Errc::invalid_argument);
  EXPECT_THAT(options.error().message, HasSubstr(GetParam().said));
}

INSTANTIATE_TEST_SUITE_P(
    Options, OptionMistakes,
    testing::Values(
        Mistake{"chache_size=1G", "did you mean \"cache_size\"?"},
        Mistake{"cachedir=/x", "did you mean \"cache_dir\"?"},
        Mistake{"allowother", "did you mean \"allow_other\"?"}, Mistake{"noexe", "did you mean \"noexec\"?"},
        Mistake{"frobnicate", "--help lists them"}, Mistake{"fr\x1b[31mob", "\\x1b"},
        Mistake{"poll", "poll=TIME"}, Mistake{"poll=", "option poll"},
        Mistake{"poll=999ms", "from 1s to 24h"}, Mistake{"poll=25h", "from 1s to 24h"},
        Mistake{"poll=10 s", "from 1s"}, Mistake{"poll=-1s", "from 1s"}, Mistake{"poll=1.5s", "from 1s"},
        Mistake{"poll=10sec", "from 1s"}, Mistake{"timeout=0", "from 1s to 1h"},
        Mistake{"timeout=99999999999999999999s", "from 1s to 1h"}, Mistake{"uid=anna", "id -u"},
        Mistake{"uid=4294967295", "id -u"}, Mistake{"umask=8", "octal"}, Mistake{"file_mode=1777", "octal"},
        Mistake{"dir_mode=", "octal"}, Mistake{"ca=cert.pem", "absolute path"},
        Mistake{"share=a/b", "name of a share"}, Mistake{"share=", "name of a share"},
        Mistake{"ro=perhaps", "yes or no"}, Mistake{"rw=yes", "takes no value"},
        Mistake{"log_level=loud", "debug, info"}, Mistake{"pinnedpubkey=abc", "sha256//"},
        Mistake{"pinnedpubkey=sha256//short=", "sha256//"}, Mistake{"metrics=localhost:9100", "ADDRESS:PORT"},
        Mistake{"metrics=127.0.0.1", "ADDRESS:PORT"}, Mistake{"metrics=::1:9100", "ADDRESS:PORT"},
        Mistake{"cache_size=20X", "such as 20G"}, Mistake{"cache_size=0%", "1% to 100%"},
        Mistake{"cache_size=101%", "1% to 100%"}, Mistake{"min_free=5%%", "1% to 100%"},
        Mistake{"bwlimit_down=fast", "bytes per second"}, Mistake{"cache_size=99999999T", "such as 20G"}));

TEST(Options, APinnedKeyHasAHashOf32Bytes) {
  const std::string key = "sha256//" + std::string(43, 'A') + "=";
  EXPECT_EQ(good("pinnedpubkey=" + key).pinnedpubkey, key);
  EXPECT_EQ(good("pinnedpubkey=" + key + ";" + key).pinnedpubkey, key + ";" + key);
  EXPECT_FALSE(options_of("pinnedpubkey=" + key + ";"));
}

// An option that would be a false promise is refused, and the message says what to do instead.
TEST(Options, WhatThisVersionCannotKeepIsNotPromised) {
  for (const char* text : {"bwlimit_down=1M", "metrics=[::1]:9100", "remount"}) {
    const auto options = options_of(text);
    ASSERT_FALSE(options) << text;
    EXPECT_EQ(options.error().code, Errc::not_supported) << text;
    EXPECT_THAT(options.error().message, HasSubstr("not offered: this version")) << text;
  }
}

TEST(Options, UnknownOnesPassWhereMountAsksForIt) {
  MountOptions options;
  EXPECT_TRUE(apply_option(options, {"frobnicate", "1"}, Unknown::ignore));
  EXPECT_FALSE(apply_option(options, {"poll", "never"}, Unknown::ignore));
}

// --help, manual and completions are made from or held against the table, so it must be complete itself.
TEST(OptionTable, EachRowIsWholeAndNamedOnce) {
  std::set<std::string_view> names;
  for (const OptionInfo& option : option_table()) {
    EXPECT_TRUE(names.insert(option.name).second) << option.name;
    EXPECT_FALSE(option.help.empty()) << option.name;
    EXPECT_EQ(option.placeholder.empty(), option.kind == ValueKind::flag) << option.name;
    EXPECT_EQ(option.reason.empty(), option.effect == Effect::honoured) << option.name;
  }
  for (const GenericOptionInfo& option : generic_option_table()) {
    EXPECT_TRUE(names.insert(option.name).second) << option.name;
  }
}

// What show() prints is what apply() reads, for the defaults and for what was set.
TEST(OptionTable, ValuesAreShownAsTheyAreWritten) {
  MountOptions set;
  const std::string key = "sha256//" + std::string(43, 'B') + "=";
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, std::string>>{{"share", "S"},
                                                                  {"account", "/a"},
                                                                  {"cache_size", "10%"},
                                                                  {"min_free", "512M"},
                                                                  {"poll", "1500ms"},
                                                                  {"bwlimit_down", "3K"},
                                                                  {"uid", "12"},
                                                                  {"umask", "0027"},
                                                                  {"file_mode", "0600"},
                                                                  {"allow_other", "yes"},
                                                                  {"ro", "yes"},
                                                                  {"pinnedpubkey", key},
                                                                  {"log_level", "warning"},
                                                                  {"metrics", "[::1]:9100"}}) {
    const auto row = std::ranges::find(option_table(), std::string_view(name), &OptionInfo::name);
    ASSERT_NE(row, option_table().end()) << name;
    ASSERT_TRUE(row->apply(set, value)) << name;
    EXPECT_EQ(row->show(set), value);
  }
  for (const MountOptions& options : {MountOptions{}, set}) {
    MountOptions copy;
    for (const OptionInfo& option : option_table()) {
      const std::string text = option.show(options);
      if (!text.empty()) {
        EXPECT_TRUE(option.apply(copy, text)) << option.name << "=" << text;
      }
    }
    EXPECT_EQ(copy, options);
  }
}

}  // namespace
}  // namespace nithronfs::config

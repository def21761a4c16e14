// Opening and reading: versions, confirmation (K3), and the attributes that tell what is cached (S28).
#include "vfs_fixture.hpp"

namespace nithronfs::vfs {
namespace {

class FilesTest : public VfsTest {
 protected:
  Attributes at(const std::string& name) {
    const auto found = lookup(NodeId::root, name);
    EXPECT_TRUE(found->ok()) << name;
    return found->ok() ? **found : Attributes{};
  }
};

TEST_F(FilesTest, ReadsAndReadsAgainWithoutARequest) {
  server.put("f", "hello");
  const auto file = open(at("f").node);
  ASSERT_TRUE(file->ok());
  EXPECT_EQ(**read(***file, 0, 100), "hello");
  EXPECT_EQ(**read(***file, 1, 3), "ell");
  EXPECT_EQ(server.count("READ"), 1U);
  EXPECT_EQ(server.count("STAT"), 0U);
}

TEST_F(FilesTest, S1_AnOpenFileKeepsItsVersionTheNextOpenSeesTheNew) {
  server.put("f", "old");
  const auto before = at("f");
  const auto old_file = open(before.node);
  EXPECT_EQ(**read(***old_file, 0, 10), "old");
  server.put("f", "newer");
  grow_old();
  EXPECT_EQ(open(before.node)->error(), Errc::stale) << "the kernel has to look the name up again";
  const auto after = at("f");
  EXPECT_NE(after.node, before.node);
  EXPECT_NE(after.ino, before.ino);
  EXPECT_TRUE(observer.told(NodeId::root, "f"));
  EXPECT_EQ(**read(**(*open(after.node)), 0, 10), "newer");
  EXPECT_EQ(**read(***old_file, 0, 10), "old");
}

TEST_F(FilesTest, S2_BytesOfAVersionThatIsGoneAreStale) {
  server.put("f", "old");
  const auto file = open(at("f").node);
  server.put("f", "new");
  EXPECT_EQ(read(***file, 0, 10)->error(), Errc::stale);
  crank.run_ready();
  // The failed read made us look: the name has the new version now.
  EXPECT_EQ(**read(**(*open(at("f").node)), 0, 10), "new");
}

TEST_F(FilesTest, S2_ARemovedFileIsStaleToo) {
  server.put("f", "old");
  const auto file = open(at("f").node);
  server.remove("f");
  EXPECT_EQ(read(***file, 0, 10)->error(), Errc::stale);
  EXPECT_EQ(lookup(NodeId::root, "f")->error(), Errc::not_found);
}

TEST_F(FilesTest, OneListingConfirmsAllFilesOfASmallDirectory) {
  for (int i = 0; i < 50; ++i) server.put("f" + std::to_string(i), "x");
  at("f0");
  grow_old();
  server.requests.clear();
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(open(at("f" + std::to_string(i)).node)->ok());
  EXPECT_EQ(server.requests, (std::vector<std::string>{"LIST "}));
}

TEST_F(FilesTest, AFileInAHugeDirectoryIsConfirmedAlone) {
  for (int i = 0; i < 1100; ++i) server.put("f" + std::to_string(i), "x");
  const auto node = at("f7").node;
  grow_old();
  server.requests.clear();
  EXPECT_TRUE(open(node)->ok());
  EXPECT_EQ(server.requests, (std::vector<std::string>{"STAT f7"}));
}

TEST_F(FilesTest, S4_WithoutTheServerCachedFilesOpenAndRead) {
  server.put("cached", "here");
  server.put("other", "there");
  const auto node = at("cached").node;
  EXPECT_EQ(**read(**(*open(node)), 0, 10), "here");
  server.failure = Error{Errc::offline, "no route"};
  grow_old();
  const auto file = open(node);
  ASSERT_TRUE(file->ok());
  EXPECT_EQ(**read(***file, 0, 10), "here");
  const auto other = open(at("other").node);
  ASSERT_TRUE(other->ok());
  EXPECT_EQ(read(***other, 0, 10)->error(), Errc::offline);
}

TEST_F(FilesTest, AnOpenDoesNotWaitLongForAServerThatIsSilent) {
  server.put("f", "x");
  const auto node = at("f").node;
  grow_old();
  server.hold = true;
  const auto file = open(node);
  EXPECT_TRUE(file->pending());
  crank.advance(std::chrono::seconds(4));
  EXPECT_TRUE(file->ok());
}

TEST_F(FilesTest, S28_StateAndCachedBytes) {
  server.put("f", std::string(600 * 1024, 'x'));
  const auto node = at("f").node;
  EXPECT_EQ(*vfs->attribute(node, "user.nithron.state"), "online-only");
  EXPECT_EQ(*vfs->attribute(node, "user.nithron.cached_bytes"), "0");
  const auto file = open(node);
  read(***file, 0, 10);
  EXPECT_EQ(*vfs->attribute(node, "user.nithron.state"), "partial");
  read(***file, 0, 600 * 1024);
  EXPECT_EQ(*vfs->attribute(node, "user.nithron.state"), "local");
  EXPECT_EQ(*vfs->attribute(node, "user.nithron.cached_bytes"), std::to_string(600 * 1024));
  EXPECT_EQ(*vfs->attribute(NodeId::root, "user.nithron.cached_bytes"), std::to_string(600 * 1024));
  EXPECT_EQ(*vfs->attribute(NodeId::root, "user.nithron.state"), "local");
  EXPECT_EQ(*vfs->attribute(node, "user.nithron.durable"), "remote");
  EXPECT_EQ(vfs->attribute(node, "security.capability").error().code, Errc::no_data);
  EXPECT_EQ(vfs->attribute(node, "user.nithron.other").error().code, Errc::no_data);
}

TEST_F(FilesTest, AttributesComeFromTheOptionsWhereTheServerIsSilent) {
  stop();
  options.uid = 12;
  options.gid = 34;
  options.file_permissions = 0640;
  options.directory_permissions = 0750;
  start();
  server.put("f", std::string(1000, 'x'));
  const auto file = at("f");
  EXPECT_EQ(file.uid, 12U);
  EXPECT_EQ(file.gid, 34U);
  EXPECT_EQ(file.permissions, 0640U);
  EXPECT_EQ(file.blocks, 2U) << "of the whole file, cached or not (S21)";
  EXPECT_EQ(vfs->attributes(NodeId::root)->permissions, 0750U);
}

TEST_F(FilesTest, UnknownNodesAreStale) {
  EXPECT_EQ(vfs->attributes(NodeId{123456}).error().code, Errc::stale);
  EXPECT_EQ(open(NodeId{123456})->error(), Errc::stale);
  EXPECT_EQ(open(NodeId::root)->error(), Errc::is_directory);
  EXPECT_EQ(open_directory(NodeId{123456})->error(), Errc::stale);
}

}  // namespace
}  // namespace nithronfs::vfs

// What the tree ought to know, in the simplest form that can say it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "nithronfs/tree/tree.hpp"

namespace nithronfs::tree::test {

struct ModelNode {
  remote::Kind kind = remote::Kind::file;
  remote::Version version;
  // Learnt from the tree when the node appears, and held against it from then on.
  NodeId node = NodeId::none;
  std::uint64_t ino = 0;
  std::uint64_t offset = 0;
  // Directories.
  DirectoryState::Listing listing = DirectoryState::Listing::never;
  std::map<std::string, std::unique_ptr<ModelNode>> children;
};

// What a change has to report.
struct Expected {
  std::set<std::string> names;
  std::set<std::string> removed_directories;
  std::set<NodeId> superseded;
  std::set<NodeId> gone;  // superseded files and directories
};

class Model {
 public:
  Model() { root.kind = remote::Kind::directory; }

  // One row about a name of `directory`.
  void row(ModelNode& directory, const remote::Entry& entry, Expected& expected);
  void remove(ModelNode& directory, const std::string& name, Expected& expected);
  // The names of `entries` and no others.
  void complete(ModelNode& directory, const std::vector<remote::Entry>& entries, Expected& expected);
  void partial(ModelNode& directory, const std::vector<remote::Entry>& entries, Expected& expected);

  ModelNode root;

 private:
  static void gone(const ModelNode& node, Expected& expected);
};

}  // namespace nithronfs::tree::test

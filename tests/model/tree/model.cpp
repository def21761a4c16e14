// The rules of listings and answers on maps in memory.
#include "model.hpp"

namespace nithronfs::tree::test {

void Model::gone(const ModelNode& node, Expected& expected) {
  expected.gone.insert(node.node);
  if (node.kind == remote::Kind::file) expected.superseded.insert(node.node);
  for (const auto& [name, child] : node.children) gone(*child, expected);
}

void Model::row(ModelNode& directory, const remote::Entry& entry, Expected& expected) {
  auto& slot = directory.children[entry.name];
  const bool there = slot != nullptr;
  if (there && slot->kind == entry.kind &&
      (entry.kind == remote::Kind::directory || slot->version == entry.version)) {
    return;
  }
  auto fresh = std::make_unique<ModelNode>();
  fresh->kind = entry.kind;
  fresh->version = entry.version;
  if (there) {
    fresh->offset = slot->offset;
    if (slot->kind == remote::Kind::directory) expected.removed_directories.insert(entry.name);
    gone(*slot, expected);
  }
  if (there || directory.listing == DirectoryState::Listing::complete) expected.names.insert(entry.name);
  slot = std::move(fresh);
}

void Model::remove(ModelNode& directory, const std::string& name, Expected& expected) {
  const auto child = directory.children.find(name);
  if (child->second->kind == remote::Kind::directory) expected.removed_directories.insert(name);
  gone(*child->second, expected);
  expected.names.insert(name);
  directory.children.erase(child);
}

void Model::partial(ModelNode& directory, const std::vector<remote::Entry>& entries, Expected& expected) {
  for (const remote::Entry& entry : entries) row(directory, entry, expected);
  if (directory.listing == DirectoryState::Listing::never)
    directory.listing = DirectoryState::Listing::partial;
}

void Model::complete(ModelNode& directory, const std::vector<remote::Entry>& entries, Expected& expected) {
  partial(directory, entries, expected);
  std::set<std::string> unseen;
  for (const auto& [name, child] : directory.children) unseen.insert(name);
  for (const remote::Entry& entry : entries) unseen.erase(entry.name);
  for (const std::string& name : unseen) remove(directory, name, expected);
  directory.listing = DirectoryState::Listing::complete;
}

}  // namespace nithronfs::tree::test

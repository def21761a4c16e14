// How fast the tree answers and takes listings in, and what it costs on disk. Prints one table; no pass or
// fail.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "nithronfs/store/index_stamp.hpp"
#include "nithronfs/tree/tree.hpp"

namespace nithronfs {
namespace {

constexpr std::size_t kFiles = 100'000;

template <class T>
T must(Result<T> result) {
  if (!result) {
    fmt::print(stderr, "{}\n", result.error().message);
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

std::vector<remote::Entry> listing() {
  std::vector<remote::Entry> entries;
  for (std::size_t i = 0; i < kFiles; ++i) {
    entries.push_back(
        {.name = fmt::format("photo-{:08}.jpeg", i * 7919 % 99'999'989),
         .version = {.etag = fmt::format("\"{:016x}{:x}\"", 1'700'000'000'000'000'000 + i, i * 37),
                     .size = i * 37,
                     .mtime = {.seconds = 1'700'000'000}},
         .mode = 0644});
  }
  std::shuffle(entries.begin(), entries.end(), std::mt19937_64(1));
  return entries;
}

class Timer {
 public:
  void report(std::string_view what, std::size_t operations) const {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start_;
    fmt::print("{:<44} {:>12.0f} /s {:>10.1f} ms\n", what, static_cast<double>(operations) / took.count(),
               took.count() * 1e3);
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void apply(tree::Tree& tree, std::span<const remote::Entry> entries, std::size_t batch) {
  auto update = must(tree.begin_listing(tree::NodeId::root));
  while (!entries.empty()) {
    const auto some = entries.first(std::min(batch, entries.size()));
    must(update->add(some));
    entries = entries.subspan(some.size());
  }
  must(update->finish({.kind = remote::Kind::directory}, WallTime(std::chrono::seconds(1'700'000'001))));
}

void run(const std::string& directory, std::size_t batch) {
  const auto state = must(store::Environment::open({.directory = directory + "/state", .tables = {"meta"}}));
  const auto index = must(store::DisposableEnvironment::open(
      {.options = {.directory = directory + "/index", .tables = tree::Tree::table_names()},
       .boot_id = "bench"}));
  const auto ids = must(tree::NodeIds::open(*state, store::Table{0}));
  const auto tree = must(tree::Tree::open({.index = index->environment(),
                                           .first_table = store::Table{0},
                                           .ids = *ids,
                                           .single_share = remote::Share{.id = "share"}}));
  const auto entries = listing();
  const std::uint64_t before = index->environment().bytes_on_disk();
  const Timer first;
  apply(*tree, entries, batch);
  first.report(fmt::format("first listing, batches of {}", batch), kFiles);
  fmt::print("{:<44} {:>12} bytes\n", "database per file",
             (index->environment().bytes_on_disk() - before) / kFiles);
  const Timer again;
  apply(*tree, entries, batch);
  again.report(fmt::format("the same listing again, batches of {}", batch), kFiles);

  const Timer lookups;
  for (const auto& entry : entries) {
    const auto found = must(tree->lookup(tree::NodeId::root, entry.name));
    if (!std::holds_alternative<tree::Found>(found)) std::abort();
  }
  lookups.report("look-up by name", kFiles);
  const auto probe = std::get<tree::Found>(must(tree->lookup(tree::NodeId::root, entries[0].name)));
  const Timer absent;
  for (std::size_t i = 0; i < kFiles; ++i) {
    const auto found = must(tree->lookup(tree::NodeId::root, "no such name"));
    if (!std::holds_alternative<tree::Absent>(found)) std::abort();
  }
  absent.report("look-up of an absent name", kFiles);
  const Timer attributes;
  for (std::size_t i = 0; i < kFiles; ++i) must(tree->inode(probe.inode.node));
  attributes.report("inode by node", kFiles);

  std::size_t rows = 0;
  const Timer reading;
  std::uint64_t after = 0;
  for (bool more = true; more;) {
    std::size_t chunk = 0;
    must(tree->read_directory(tree::NodeId::root, after, [&](const tree::DirectoryRow& row) {
      after = row.offset;
      return ++chunk < 100;
    }));
    rows += chunk;
    more = chunk == 100;
  }
  reading.report("read_directory in chunks of 100", rows);
  const Timer revalidation;
  constexpr std::size_t kRevalidations = 20'000;
  for (std::size_t i = 0; i < kRevalidations; ++i) {
    must(tree->apply_entry(probe.inode.node, entries[0], WallTime(std::chrono::seconds(1'700'000'002 + i))));
  }
  revalidation.report("apply_entry, unchanged", kRevalidations);
  const Timer removal;
  apply(*tree, {}, batch);
  removal.report("all of it gone", kFiles);
}

}  // namespace
}  // namespace nithronfs

int main() {
  for (const std::size_t batch : {100UL, 1'000UL, 10'000UL}) {
    std::string directory = (std::filesystem::temp_directory_path() / "tree-bench-XXXXXX").string();
    if (::mkdtemp(directory.data()) == nullptr) return 1;
    nithronfs::run(directory, batch);
    std::filesystem::remove_all(directory);
  }
}

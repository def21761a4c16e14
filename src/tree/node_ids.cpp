// The high-water mark is one row of the state database: "nodeid_high_water" → u64 big-endian, the first
// NodeId that was never reserved. Reserving 65,536 at a time makes it one synced commit per so many new
// files, and costs at most that many numbers per start, of 2^64.
#include "nithronfs/tree/tree.hpp"
#include "nithronfs/util/mutex.hpp"
#include "row_codec.hpp"

namespace nithronfs::tree {
namespace {

constexpr std::string_view kKey = "nodeid_high_water";
constexpr std::uint64_t kStep = 65'536;
constexpr std::uint64_t kFirst = static_cast<std::uint64_t>(NodeId::root) + 1;

}  // namespace

struct NodeIds::State {
  State(store::Environment& environment, store::Table table) : database(environment), meta(table) {}

  // Makes [first, first + kStep) ours, on disk and then here.
  Result<void> reserve_from(std::uint64_t first) REQUIRES(mutex);

  store::Environment& database;
  const store::Table meta;

  Mutex mutex;  // leaf, except that the state database's writer lock is taken under it
  std::uint64_t next GUARDED_BY(mutex) = 0;
  std::uint64_t reserved_until GUARDED_BY(mutex) = 0;
};

NodeIds::NodeIds(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<NodeIds>> NodeIds::open(store::Environment& state, store::Table meta) {
  auto inner = std::make_shared<State>(state, meta);
  const store::ReadTxn txn = state.read();
  auto row = txn.get(meta, kKey);
  if (!row) return fail(row.error());
  std::uint64_t mark = kFirst;
  if (*row) {
    auto stored = decode_u64(**row);
    if (!stored) return fail(stored.error());
    mark = *stored;
    if (mark < kFirst) return fail(Errc::corrupt, "the high-water mark of node ids does not make sense");
  }
  const MutexLock lock(inner->mutex);
  inner->next = mark;
  inner->reserved_until = mark;
  return std::unique_ptr<NodeIds>(new NodeIds(inner));
}

Result<void> NodeIds::State::reserve_from(std::uint64_t first) {
  const auto bytes = encode_u64(first + kStep);
  store::WriteTxn txn = database.write();
  if (auto put = txn.put(meta, kKey, {bytes.data(), bytes.size()}); !put) return put;
  if (auto committed = txn.commit(); !committed) return committed;
  next = first;
  reserved_until = first + kStep;
  return {};
}

Result<NodeId> NodeIds::next() {
  const MutexLock lock(state_->mutex);
  if (state_->next == state_->reserved_until) {
    if (auto reserved = state_->reserve_from(state_->next); !reserved) return fail(reserved.error());
  }
  return static_cast<NodeId>(state_->next++);
}

Result<void> NodeIds::raise_above(NodeId used) {
  const MutexLock lock(state_->mutex);
  const auto first = static_cast<std::uint64_t>(used) + 1;
  if (first <= state_->next) return {};
  return state_->reserve_from(first);
}

}  // namespace nithronfs::tree

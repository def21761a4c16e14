// Opening a disposable database: believing it or throwing it away, and the clean mark at its close.
#include "nithronfs/store/index_stamp.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "directory_lock.hpp"
#include "nithronfs/util/unique_fd.hpp"
#include "stamp_file.hpp"

namespace nithronfs::store {
namespace {

constexpr std::array kDatabaseFiles = {"data.mdb", "lock.mdb"};

bool has_database(int directory_fd) {
  struct stat file{};
  return ::fstatat(directory_fd, kDatabaseFiles[0], &file, AT_SYMLINK_NOFOLLOW) == 0;
}

// Why what is there must not be believed; empty when it may.
std::string objection(const std::optional<Stamp>& stamp, const DisposableEnvironment::Params& params) {
  if (!stamp) return "it has no stamp that this version understands";
  if (stamp->schema != params.schema) {
    return fmt::format("it has schema {} and this version writes {}", stamp->schema, params.schema);
  }
  if (stamp->boot_id != params.boot_id && !stamp->closed_cleanly) {
    return "the machine went down while it was open";
  }
  return {};
}

Result<void> remove_database(int directory_fd) {
  for (const char* name : kDatabaseFiles) {
    if (::unlinkat(directory_fd, name, 0) != 0 && errno != ENOENT) {
      return fail(system_error(fmt::format("cannot remove the index file {}", name), errno));
    }
  }
  return {};
}

}  // namespace

struct DisposableEnvironment::State {
  std::shared_ptr<const DirectoryLock> lock;
  std::unique_ptr<Environment> environment;
  Stamp stamp;
  std::string discarded_because;
};

DisposableEnvironment::DisposableEnvironment(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<DisposableEnvironment>> DisposableEnvironment::open(const Params& params) {
  if (params.boot_id.empty() || params.boot_id.find('\n') != std::string::npos) {
    return fail(Errc::invalid_argument, "no usable boot id");
  }
  auto lock = DirectoryLock::acquire(params.options.directory);
  if (!lock) return fail(lock.error());
  const int directory = (*lock)->directory_fd();
  auto state = std::make_unique<State>();
  state->lock = *lock;
  state->stamp = Stamp{.schema = params.schema, .boot_id = params.boot_id};

  auto stamp = read_stamp(directory);
  if (!stamp) return fail(stamp.error());
  if (has_database(directory)) {
    state->discarded_because = objection(*stamp, params);
    if (!state->discarded_because.empty()) {
      if (auto removed = remove_database(directory); !removed) return fail(removed.error());
    }
  }
  // The clean mark goes, durably, before the first commit can: else a power cut would leave a database of
  // mixed ages that claims to be whole.
  if (auto marked = write_stamp(directory, state->stamp); !marked) return fail(marked.error());

  Options options = params.options;
  options.durability = Durability::unsynced;
  auto environment = Environment::open_locked(options, *lock);
  if (!environment && environment.error().code == Errc::corrupt) {
    state->discarded_because = environment.error().message;
    if (auto removed = remove_database(directory); !removed) return fail(removed.error());
    environment = Environment::open_locked(options, *lock);
  }
  if (!environment) return fail(environment.error());
  state->environment = *std::move(environment);
  return std::unique_ptr<DisposableEnvironment>(new DisposableEnvironment(std::move(state)));
}

DisposableEnvironment::~DisposableEnvironment() {
  // Whoever deleted the directory, or only our files in it, may have let another process in: its index is not
  // ours to vouch for. A failure leaves the mark off, which costs the index at the next boot and nothing
  // else.
  if (!state_->lock->still_ours() || !state_->environment->sync()) return;
  state_->stamp.closed_cleanly = true;
  [[maybe_unused]] const auto marked = write_stamp(state_->lock->directory_fd(), state_->stamp);
}

Environment& DisposableEnvironment::environment() {
  return *state_->environment;
}

const std::string& DisposableEnvironment::discarded_because() const {
  return state_->discarded_because;
}

Result<std::string> current_boot_id() {
  const UniqueFd fd(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  std::array<char, 64> text{};
  const ssize_t length = fd ? ::read(fd.get(), text.data(), text.size()) : -1;
  if (length < 0) return fail(system_error("cannot read the boot id", errno));
  std::string id(text.data(), static_cast<std::size_t>(length));
  while (!id.empty() && id.back() == '\n') id.pop_back();
  if (id.empty()) return fail(Errc::io, "the kernel gave an empty boot id");
  return id;
}

}  // namespace nithronfs::store

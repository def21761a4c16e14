// Single flight per directory and file; streaming listings into the tree in batches.
#include "refresher.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nithronfs::vfs {
namespace {

// Directories above this size are not listed again just to confirm one file in them.
constexpr std::uint64_t small_directory = 1000;
constexpr std::size_t batch_size = 512;
// Batches that may wait for the engine; beyond it the net thread applies them itself, which slows the server
// down to our speed.
constexpr std::size_t max_waiting_batches = 16;
// After the server did not answer, nobody is made to wait for it again for this long.
constexpr Nanos away_pause = std::chrono::seconds(5);
constexpr Nanos tell_again_after = std::chrono::minutes(1);
constexpr std::size_t max_told = 256;

bool means_away(Errc code) {
  return code == Errc::offline || code == Errc::timed_out;
}

// Collects rows on the net thread, adds them to the listing on the engine thread.
class BatchReceiver final : public remote::ListingReceiver,
                            public std::enable_shared_from_this<BatchReceiver> {
 public:
  BatchReceiver(std::unique_ptr<tree::ListingUpdate> update, Executor& engine)
      : engine_(engine), update_(std::move(update)) {}

  net::Flow on_entry(remote::Entry entry) override {
    current_.push_back(std::move(entry));
    if (current_.size() >= batch_size) hand_over();
    return failed_ ? net::Flow::stop : net::Flow::proceed;
  }

  void on_refused(std::string_view href, std::string_view reason) override {
    ++refused_count_;
    constexpr std::size_t enough_to_see = 8;
    constexpr std::size_t enough_of_a_name = 200;
    if (refused_.size() < enough_to_see) {
      refused_.emplace_back(fmt::format("{} ({})", reason, href.substr(0, enough_of_a_name)));
    }
  }

  // On the engine, after the last call from the net.
  Result<tree::Changes> finish(const remote::Entry& self, WallTime now) {
    const MutexLock lock(mutex_);
    apply(std::move(current_));
    apply_waiting();
    if (error_) return fail(*error_);
    return update_->finish(self, now);
  }
  // After a listing that failed: what its rows changed all the same.
  tree::Changes give_up() {
    const MutexLock lock(mutex_);
    current_.clear();
    batches_.clear();
    return update_->take_changes();
  }
  [[nodiscard]] const std::vector<std::string>& refused() const { return refused_; }
  [[nodiscard]] std::size_t refused_count() const { return refused_count_; }

 private:
  using Batch = std::vector<remote::Entry>;

  void hand_over() {
    MutexLock lock(mutex_);
    batches_.push_back(std::exchange(current_, {}));
    if (batches_.size() > max_waiting_batches) return apply_waiting();
    lock.unlock();
    engine_.post([self = shared_from_this()] {
      const MutexLock relock(self->mutex_);
      self->apply_waiting();
    });
  }
  void apply_waiting() REQUIRES(mutex_) {
    for (auto& batch : batches_) apply(std::move(batch));
    batches_.clear();
  }
  void apply(Batch batch) REQUIRES(mutex_) {
    if (error_ || batch.empty()) return;
    if (const auto added = update_->add(batch); !added) {
      error_ = added.error();
      failed_ = true;
    }
  }

  Executor& engine_;
  // Net thread only, until finish().
  Batch current_;
  std::vector<std::string> refused_;
  std::size_t refused_count_ = 0;
  std::atomic<bool> failed_ = false;

  Mutex mutex_;
  std::unique_ptr<tree::ListingUpdate> update_ GUARDED_BY(mutex_);
  std::vector<Batch> batches_ GUARDED_BY(mutex_);
  std::optional<Error> error_ GUARDED_BY(mutex_);
};

}  // namespace

bool ProblemList::add(std::string path, std::string message) {
  const MutexLock lock(mutex_);
  const bool known = std::ranges::any_of(
      problems_, [&](const Problem& problem) { return problem.path == path && problem.message == message; });
  if (known) return false;
  if (problems_.size() == max_problems) problems_.pop_front();
  problems_.push_back({std::move(path), std::move(message), clock_.wall()});
  return true;
}

std::vector<Problem> ProblemList::list() const {
  const MutexLock lock(mutex_);
  return {problems_.begin(), problems_.end()};
}

void FailureLog::failed(std::string_view action, const std::string& path, const Error& error) {
  if (error.code == Errc::cancelled || error.code == Errc::interrupted) return;
  const auto now = seams_.clock.steady();
  bool first = false;
  {
    const MutexLock lock(mutex_);
    if (means_away(error.code)) {
      first = !away_since_;
      away_since_ = now;
    } else {
      const auto key = fmt::format("{} {} {}", name_of(error.code), action, path);
      if (told_.size() >= max_told) told_.clear();
      const auto [slot, added] = told_.try_emplace(key, now);
      first = added || now - slot->second >= tell_again_after;
      if (first) slot->second = now;
    }
  }
  if (!first) return;
  if (means_away(error.code)) {
    seams_.log.warning("the server cannot be reached: {}; what is known and cached goes on working",
                       error.message);
  } else {
    seams_.log.warning("cannot {} /{}: {}", action, path, error.message);
  }
}

void FailureLog::worked() {
  {
    const MutexLock lock(mutex_);
    if (!away_since_) return;
    away_since_.reset();
  }
  seams_.log.info("the server answers again");
}

bool FailureLog::away() const {
  const MutexLock lock(mutex_);
  return away_since_ && seams_.clock.steady() - *away_since_ < away_pause;
}

bool Refresher::fresh(WallTime verified) const {
  const auto age = parts_.seams.clock.wall() - verified;
  return age >= Nanos(0) && age < fresh_for_;
}

WallTime Refresher::last_confirmed() const {
  const MutexLock lock(mutex_);
  return last_confirmed_;
}

bool Refresher::busy() const {
  const MutexLock lock(mutex_);
  return running_ > 0;
}

void Refresher::list(NodeId directory, Done done) {
  ask({What::directory, directory}, std::move(done));
}

void Refresher::confirm(NodeId file, Done done) {
  if (const auto inode = parts_.tree.inode(file)) {
    const auto directory = parts_.tree.directory(inode->parent);
    if (directory && directory->listing == tree::DirectoryState::Listing::complete &&
        directory->entries <= small_directory) {
      return list(inode->parent, std::move(done));
    }
  }
  ask({What::file, file}, std::move(done));
}

void Refresher::list_in_background(NodeId directory) {
  if (away()) return;
  list(directory, [](const Result<void>&) {});
}

void Refresher::ask(Key key, Done done) {
  {
    MutexLock lock(mutex_);
    if (stopping_) {
      lock.unlock();
      return done(fail(Errc::cancelled, "unmounting"));
    }
    const auto [flight, first] = waiting_.try_emplace(key);
    flight->second.push_back(std::move(done));
    if (!first) return;
    ++running_;
  }
  auto task = key.first == What::directory ? list_directory(key.second) : confirm_file(key.second);
  spawn(std::move(task), [this, key](const Result<void>& outcome) { answered(key, outcome); });
}

void Refresher::answered(Key key, const Result<void>& outcome) {
  std::vector<Done> waiting;
  {
    const MutexLock lock(mutex_);
    waiting = std::move(waiting_.extract(key).mapped());
    if (outcome) last_confirmed_ = parts_.seams.clock.wall();
  }
  for (auto& done : waiting) done(outcome);
  waiting.clear();
  // Only now: shutdown() must not return while callbacks run or are being destroyed.
  const MutexLock lock(mutex_);
  --running_;
  idle_.notify_all();
}

remote::CallOptions Refresher::call_options() const {
  return {.priority = net::Priority::foreground, .deadline = timeout_, .cancel = stop_.token()};
}

Result<void> Refresher::publish(Result<tree::Changes> changes) {
  if (!changes) return fail(changes.error());
  for (const auto node : changes->superseded) {
    // Nobody can open that version any more: its bytes go with the last handle.
    if (const auto inode = parts_.tree.inode(node)) parts_.cache.discard(inode->data_key);
  }
  if (observer_ != nullptr && !changes->empty()) observer_->changed(*changes);
  return {};
}

Task<Result<void>> Refresher::list_shares() {
  auto shares = co_await parts_.remote.shares(call_options());
  co_await resume_on(parts_.seams.engine);
  if (!shares) {
    failures_.failed("list", "", shares.error());
    co_return fail(shares.error());
  }
  failures_.worked();
  co_return publish(parts_.tree.apply_shares(*shares, parts_.seams.clock.wall()));
}

Task<Result<void>> Refresher::list_directory(NodeId directory) {
  auto where = parts_.tree.location(directory);
  if (!where && where.error().code == Errc::not_found) co_return co_await list_shares();
  if (!where) co_return fail(where.error());
  auto update = parts_.tree.begin_listing(directory);
  if (!update) co_return fail(update.error());
  const auto receiver = std::make_shared<BatchReceiver>(std::move(*update), parts_.seams.engine);
  const auto began = parts_.seams.clock.wall();
  auto self = co_await parts_.remote.list(where->share, where->path, receiver, call_options());
  co_await resume_on(parts_.seams.engine);
  if (receiver->refused_count() > 0) {
    const auto message = fmt::format("{} names cannot be shown: {}", receiver->refused_count(),
                                     fmt::join(receiver->refused(), "; "));
    if (problems_.add("/" + where->path, message)) {
      parts_.seams.log.warning("in /{}: {}", where->path, message);
    }
  }
  if (self) {
    failures_.worked();
    co_return publish(receiver->finish(*self, began));
  }
  failures_.failed("list", where->path, self.error());
  (void)publish(receiver->give_up());  // the listing failed already; names that it added are shown
  // A directory that is gone is believed gone when its parent, listed afresh, does not have it (R5).
  if (const auto inode = parts_.tree.inode(directory);
      self.error().code == Errc::not_found && inode && inode->parent != NodeId::none) {
    list_in_background(inode->parent);
  }
  co_return fail(self.error());
}

Task<Result<void>> Refresher::confirm_file(NodeId file) {
  auto where = parts_.tree.location(file);
  if (!where) co_return fail(where.error());
  const auto began = parts_.seams.clock.wall();
  auto entry = co_await parts_.remote.stat(where->share, where->path, call_options());
  co_await resume_on(parts_.seams.engine);
  if (entry) {
    failures_.worked();
    co_return publish(parts_.tree.apply_entry(file, *entry, began));
  }
  failures_.failed("look at", where->path, entry.error());
  if (const auto inode = parts_.tree.inode(file); entry.error().code == Errc::not_found && inode) {
    list_in_background(inode->parent);
  }
  co_return fail(entry.error());
}

void Refresher::shutdown() {
  MutexLock lock(mutex_);
  stopping_ = true;
  lock.unlock();
  stop_.cancel();
  lock.lock();
  while (running_ > 0) idle_.wait(lock);
}

}  // namespace nithronfs::vfs

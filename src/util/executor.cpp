// Both executors over one queue type: ready work in posting order, timers by time and then posting order.
#include "nithronfs/util/executor.hpp"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

namespace nithronfs {
namespace {

// Not synchronised.
class WorkQueue {
 public:
  void push(Work work) { ready_.push_back(std::move(work)); }

  TimerId push_at(SteadyTime when, Work work) {
    const auto id = ++last_timer_;
    timers_.emplace(Key{when, id}, std::move(work));
    when_of_.emplace(id, when);
    return TimerId{id};
  }

  bool erase(TimerId timer) {
    const auto found = when_of_.find(static_cast<std::uint64_t>(timer));
    if (found == when_of_.end()) return false;
    timers_.erase(Key{found->second, found->first});
    when_of_.erase(found);
    return true;
  }

  // Moves what is due at `now` behind the ready work.
  void collect_due(SteadyTime now) {
    while (!timers_.empty() && timers_.begin()->first.first <= now) {
      auto node = timers_.extract(timers_.begin());
      when_of_.erase(node.key().second);
      ready_.push_back(std::move(node.mapped()));
    }
  }

  [[nodiscard]] bool has_ready() const { return !ready_.empty(); }
  [[nodiscard]] std::optional<SteadyTime> next_timer() const {
    if (timers_.empty()) return std::nullopt;
    return timers_.begin()->first.first;
  }
  Work pop() {
    Work work = std::move(ready_.front());
    ready_.pop_front();
    return work;
  }

 private:
  using Key = std::pair<SteadyTime, std::uint64_t>;
  std::deque<Work> ready_;
  std::map<Key, Work> timers_;
  std::unordered_map<std::uint64_t, SteadyTime> when_of_;
  std::uint64_t last_timer_ = 0;
};

}  // namespace

struct ThreadExecutor::State {
  explicit State(const Clock& clock_in) : clock(clock_in) {}
  const Clock& clock;
  std::mutex mutex;
  std::condition_variable wake;
  WorkQueue queue;
  bool stopping = false;
  std::vector<std::thread> threads;

  void run() {
    std::unique_lock lock(mutex);
    while (!stopping) {
      queue.collect_due(clock.steady());
      if (queue.has_ready()) {
        Work work = queue.pop();
        lock.unlock();
        work();
        work = nullptr;  // captures may run destructors that post again: not under the lock
        lock.lock();
      } else if (const auto next = queue.next_timer()) {
        wake.wait_for(lock, *next - clock.steady());
      } else {
        wake.wait(lock);
      }
    }
  }
};

ThreadExecutor::ThreadExecutor(const Clock& clock, std::string name, unsigned threads)
    : state_(std::make_unique<State>(clock)) {
  name.resize(std::min<std::size_t>(name.size(), 15));  // the kernel's limit for thread names
  for (unsigned i = 0; i < threads; ++i) {
    auto& thread = state_->threads.emplace_back([state = state_.get()] { state->run(); });
    pthread_setname_np(thread.native_handle(), name.c_str());
  }
}

ThreadExecutor::~ThreadExecutor() {
  stop();
}

void ThreadExecutor::stop() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  for (auto& thread : state_->threads) thread.join();
  state_->threads.clear();
  // Captures may own things that post again: destroyed without the lock, and what they post is dropped.
  WorkQueue dropped;
  {
    const std::lock_guard lock(state_->mutex);
    std::swap(dropped, state_->queue);
  }
}

void ThreadExecutor::post(Work work) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopping) return;
    state_->queue.push(std::move(work));
  }
  state_->wake.notify_one();
}

TimerId ThreadExecutor::post_at(SteadyTime when, Work work) {
  TimerId id = TimerId::none;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopping) return id;
    id = state_->queue.push_at(when, std::move(work));
  }
  state_->wake.notify_one();
  return id;
}

bool ThreadExecutor::cancel(TimerId timer) {
  const std::lock_guard lock(state_->mutex);
  return state_->queue.erase(timer);
}

struct ManualExecutor::State {
  WorkQueue queue;
  // Not zero, so that code that subtracts from "now" stays in range.
  Nanos now = std::chrono::hours(1000);
};

ManualExecutor::ManualExecutor() : state_(std::make_unique<State>()) {}
ManualExecutor::~ManualExecutor() = default;

void ManualExecutor::post(Work work) {
  state_->queue.push(std::move(work));
}
TimerId ManualExecutor::post_at(SteadyTime when, Work work) {
  return state_->queue.push_at(when, std::move(work));
}
bool ManualExecutor::cancel(TimerId timer) {
  return state_->queue.erase(timer);
}
SteadyTime ManualExecutor::steady() const {
  return SteadyTime(state_->now);
}
WallTime ManualExecutor::wall() const {
  constexpr auto new_year_2026 = std::chrono::seconds(1'767'225'600);
  return WallTime(new_year_2026 + state_->now);
}

void ManualExecutor::drop_all() {
  state_->queue = WorkQueue();
}

std::size_t ManualExecutor::run_ready(std::size_t limit) {
  std::size_t ran = 0;
  for (; ran < limit; ++ran) {
    state_->queue.collect_due(steady());
    if (!state_->queue.has_ready()) break;
    Work work = state_->queue.pop();
    work();
  }
  return ran;
}

void ManualExecutor::advance(Nanos by) {
  const auto end = state_->now + by;
  run_ready();
  while (const auto next = state_->queue.next_timer()) {
    if (next->time_since_epoch() > end) break;
    state_->now = std::max(state_->now, Nanos(next->time_since_epoch()));
    run_ready();
  }
  state_->now = end;
}

}  // namespace nithronfs

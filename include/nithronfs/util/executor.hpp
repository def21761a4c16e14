// Where work runs: a queue with timers. Production uses threads, tests turn the crank by hand.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "nithronfs/util/clock.hpp"

namespace nithronfs {

using Work = std::move_only_function<void()>;
enum class TimerId : std::uint64_t { none = 0 };

// Thread-safe. Work must not throw. Work posted after stop() is dropped unrun.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void post(Work work) = 0;
  // Runs `work` at or after `when`; immediately when that has passed.
  virtual TimerId post_at(SteadyTime when, Work work) = 0;
  // True when the timer was still waiting and will not run.
  virtual bool cancel(TimerId timer) = 0;
};

// `threads` workers over one queue; with one thread, work runs in posting order.
class ThreadExecutor final : public Executor {
 public:
  ThreadExecutor(const Clock& clock, std::string name, unsigned threads = 1);
  ~ThreadExecutor() override;
  ThreadExecutor(const ThreadExecutor&) = delete;
  ThreadExecutor& operator=(const ThreadExecutor&) = delete;

  void post(Work work) override;
  TimerId post_at(SteadyTime when, Work work) override;
  bool cancel(TimerId timer) override;
  // Finishes the work that is running, drops what is queued, and joins; so does the destructor. Not from a
  // worker.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A clock and an executor in one, moved by hand; for tests. Not thread-safe.
class ManualExecutor final : public Executor, public Clock {
 public:
  ManualExecutor();
  ~ManualExecutor() override;
  void post(Work work) override;
  TimerId post_at(SteadyTime when, Work work) override;
  bool cancel(TimerId timer) override;
  [[nodiscard]] SteadyTime steady() const override;
  [[nodiscard]] WallTime wall() const override;

  // Runs what is ready now, and what that makes ready, up to `limit` pieces; returns how many ran.
  std::size_t run_ready(std::size_t limit = 1'000'000);
  // Forgets everything that was posted, as a crash would.
  void drop_all();
  // Moves time forward, running timers in their order on the way.
  void advance(Nanos by);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nithronfs

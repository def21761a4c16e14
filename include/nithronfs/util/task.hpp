// Task<T>: a lazily started coroutine with one awaiter, and the two bridges to callbacks.
//
// This is the project's only asynchronous idiom beside plain completions. A task runs on whatever thread
// resumes it; who needs a certain executor says `co_await resume_on(executor)`. Exceptions do not leave a
// task: an escaping one ends the program, as it would from any noexcept function.
#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "nithronfs/util/executor.hpp"

namespace nithronfs {

template <class T>
class Task;

namespace detail {

struct FinalAwaiter {
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
    auto next = self.promise().continuation;
    return next ? next : std::noop_coroutine();
  }
  void await_resume() const noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> continuation;
  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }
  [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const noexcept {}
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) noexcept {
    handle_.promise().continuation = awaiter;
    return handle_;
  }
  T await_resume() { return handle_.promise().take(); }

 private:
  Handle handle_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() noexcept {
  return Task<T>(Task<T>::Handle::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() noexcept {
  return Task<void>(Task<void>::Handle::from_promise(*this));
}

namespace detail {

// A coroutine that owns itself: starts at once, frees its frame when it ends.
struct Detached {
  struct promise_type {
    [[nodiscard]] Detached get_return_object() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never initial_suspend() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
};

template <class T, class Done>
Detached run_detached(Task<T> task, Done done) {
  if constexpr (std::is_void_v<T>) {
    co_await task;
    done();
  } else {
    done(co_await task);
  }
}

}  // namespace detail

// Starts `task` on this thread; `done(result)` is called once, on the thread where the task ends (perhaps
// before spawn returns).
template <class T, class Done>
void spawn(Task<T> task, Done done) {
  detail::run_detached(std::move(task), std::move(done));
}
inline void spawn(Task<void> task) {
  detail::run_detached(std::move(task), [] {});
}

// Awaits an operation that reports through a callback: `start` receives a `done` that must be called exactly
// once, from any thread, also before `start` returns.
template <class T>
class [[nodiscard]] Callback {
 public:
  using Done = std::move_only_function<void(T)>;
  template <class Start>
  explicit Callback(Start start) : start_(std::move(start)) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiter) {
    // `done` may resume and free this frame before start returns: nothing of *this is touched after the call.
    auto start = std::move(start_);
    start([this, awaiter](T result) {
      result_.emplace(std::move(result));
      awaiter.resume();
    });
  }
  T await_resume() { return std::move(*result_); }

 private:
  std::move_only_function<void(Done)> start_;
  std::optional<T> result_;
};

// Goes on in `executor`.
struct [[nodiscard]] ResumeOn {
  Executor& executor;
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiter) const {
    executor.post([awaiter] { awaiter.resume(); });
  }
  void await_resume() const noexcept {}
};
inline ResumeOn resume_on(Executor& executor) {
  return ResumeOn{executor};
}

// Goes on in `executor` at or after `when`.
struct [[nodiscard]] SleepUntil {
  Executor& executor;
  SteadyTime when;
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiter) const {
    executor.post_at(when, [awaiter] { awaiter.resume(); });
  }
  void await_resume() const noexcept {}
};
inline SleepUntil sleep_until(Executor& executor, SteadyTime when) {
  return SleepUntil{executor, when};
}

}  // namespace nithronfs

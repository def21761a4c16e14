// The shared state between one cancel source and its tokens.
#include "nithronfs/util/cancel.hpp"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace nithronfs {

struct detail::CancelState {
  std::atomic<bool> fired = false;
  std::mutex mutex;
  std::condition_variable idle;
  std::map<std::uint64_t, std::move_only_function<void()>> actions;
  std::uint64_t last_id = 0;
  std::uint64_t running = 0;
  std::thread::id runner;

  void fire() {
    std::unique_lock lock(mutex);
    if (fired.exchange(true)) return;
    runner = std::this_thread::get_id();
    while (!actions.empty()) {
      auto node = actions.extract(actions.begin());
      running = node.key();
      lock.unlock();
      node.mapped()();
      node.mapped() = nullptr;
      lock.lock();
      running = 0;
      idle.notify_all();
    }
    runner = {};
  }

  void remove(std::uint64_t id) {
    std::unique_lock lock(mutex);
    actions.erase(id);
    if (runner == std::this_thread::get_id()) return;
    idle.wait(lock, [&] { return running != id; });
  }
};

bool CancelToken::cancelled() const {
  return state_ && state_->fired.load();
}

CancelToken::Registration CancelToken::on_cancel(std::move_only_function<void()> action) const {
  Registration registration;
  if (!state_) return registration;
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->fired) {
      registration.state_ = state_;
      registration.id_ = ++state_->last_id;
      state_->actions.emplace(registration.id_, std::move(action));
      return registration;
    }
  }
  action();
  return registration;
}

CancelToken::Registration::Registration(Registration&& other) noexcept
    : state_(std::move(other.state_)), id_(std::exchange(other.id_, 0)) {}

CancelToken::Registration& CancelToken::Registration::operator=(Registration&& other) noexcept {
  if (this != &other) {
    if (state_) state_->remove(id_);
    state_ = std::move(other.state_);
    id_ = std::exchange(other.id_, 0);
  }
  return *this;
}

CancelToken::Registration::~Registration() {
  if (state_) state_->remove(id_);
}

CancelSource::CancelSource() : state_(std::make_shared<detail::CancelState>()) {}
void CancelSource::cancel() {
  state_->fire();
}
bool CancelSource::cancelled() const {
  return state_->fired.load();
}

}  // namespace nithronfs

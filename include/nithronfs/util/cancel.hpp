// Cancellation: a source that fires once, tokens that can be asked or told. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace nithronfs {

namespace detail {
struct CancelState;
}

// What an operation receives. A default token never fires.
class CancelToken {
 public:
  CancelToken() = default;
  [[nodiscard]] bool cancelled() const;

  // While it lives, `on_cancel` is called once when the source fires (at once if it has). Its destructor
  // waits for a call that is running on another thread; it may be destroyed from inside the call.
  class Registration {
   public:
    Registration() = default;
    Registration(Registration&& other) noexcept;
    Registration& operator=(Registration&& other) noexcept;
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;
    ~Registration();

   private:
    friend class CancelToken;
    std::shared_ptr<detail::CancelState> state_;
    std::uint64_t id_ = 0;
  };
  [[nodiscard]] Registration on_cancel(std::move_only_function<void()> action) const;

 private:
  friend class CancelSource;
  explicit CancelToken(std::shared_ptr<detail::CancelState> state) : state_(std::move(state)) {}
  std::shared_ptr<detail::CancelState> state_;
};

class CancelSource {
 public:
  CancelSource();
  [[nodiscard]] CancelToken token() const { return CancelToken(state_); }
  void cancel();
  [[nodiscard]] bool cancelled() const;

 private:
  std::shared_ptr<detail::CancelState> state_;
};

}  // namespace nithronfs

// An answer that may have to be waited for, given once: by the result, the deadline or the caller's
// interrupt.
#pragma once

#include <atomic>
#include <memory>

#include "nithronfs/vfs/vfs.hpp"

namespace nithronfs::vfs {

template <class T>
class Waiting : public std::enable_shared_from_this<Waiting<T>> {
 public:
  // The deadline runs from here.
  static std::shared_ptr<Waiting> begin(Seams seams, Nanos timeout, const CancelToken& interrupt,
                                        Reply<T> reply) {
    auto waiting = std::shared_ptr<Waiting>(new Waiting(std::move(reply)));
    const std::weak_ptr<Waiting> weak = waiting;
    seams.engine.post_at(seams.clock.steady() + timeout, [weak] {
      if (const auto late = weak.lock()) {
        late->answer(fail(Errc::timed_out, "no answer from the server in time"));
      }
    });
    waiting->registration_ = interrupt.on_cancel([weak] {
      if (const auto interrupted = weak.lock()) {
        interrupted->answer(fail(Errc::interrupted, "the caller was interrupted"));
      }
    });
    return waiting;
  }

  // The first answer counts.
  void answer(Result<T> result) {
    if (!answered_.exchange(true)) reply_(std::move(result));
  }

 private:
  explicit Waiting(Reply<T> reply) : reply_(std::move(reply)) {}
  Reply<T> reply_;
  std::atomic<bool> answered_ = false;
  CancelToken::Registration registration_;
};

}  // namespace nithronfs::vfs

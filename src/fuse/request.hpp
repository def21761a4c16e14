// One kernel request that may be answered later: exactly one reply, and the way out when its caller is
// interrupted.
#pragma once

#include <cstddef>
#include <memory>

#include "lowlevel.hpp"
#include "nithronfs/util/cancel.hpp"
#include "nithronfs/util/executor.hpp"

namespace nithronfs::fuse {

class Request {
 public:
  // `engine` is where the interrupt is delivered: libfuse calls us with the request locked, so not right
  // there.
  static std::unique_ptr<Request> interruptible(fuse_req_t request, Executor& engine) {
    auto self = std::unique_ptr<Request>(new Request(request, engine));
    fuse_req_interrupt_func(request, &Request::on_interrupt, self.get());
    return self;
  }
  ~Request() {
    if (request_ != nullptr) fuse_reply_err(take(), EIO);
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  [[nodiscard]] CancelToken interrupt() const { return source_.token(); }

  // The request, for the one reply. After it no interrupt arrives: libfuse waits for one that is running.
  [[nodiscard]] fuse_req_t take() {
    fuse_req_interrupt_func(request_, nullptr, nullptr);
    return std::exchange(request_, nullptr);
  }

 private:
  Request(fuse_req_t request, Executor& engine) : request_(request), engine_(engine) {}

  static void on_interrupt(fuse_req_t, void* data) {
    auto* self = static_cast<Request*>(data);
    self->engine_.post([source = self->source_]() mutable { source.cancel(); });
  }

  fuse_req_t request_;
  Executor& engine_;
  CancelSource source_;
};

}  // namespace nithronfs::fuse

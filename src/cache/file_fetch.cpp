// Fetches: bytes arriving, requests ending well or badly, and the second look that provisional bytes need.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "disk.hpp"
#include "file.hpp"

namespace nithronfs::cache {
namespace {

// On a server that replaces files in place, the end of every fetch is withheld until the version was
// confirmed: a reader that goes to the end never gets there with a mixture (R8).
constexpr std::uint64_t withheld_tail = std::uint64_t{128} << 10;
// Slower than this is as good as broken; the stall time-out of the connection usually speaks first.
constexpr std::uint64_t slowest_bytes_per_second = std::uint64_t{64} << 10;
constexpr std::uint64_t real_progress = std::uint64_t{1} << 20;
constexpr unsigned max_attempts = 5;

// The connection broke in mid-body: what arrived is good, the rest can be asked for again.
bool worth_another_request(Errc code) {
  return code == Errc::protocol || code == Errc::offline || code == Errc::server;
}

}  // namespace

net::Flow Fetch::on_bytes(std::uint64_t offset, std::span<const std::byte> bytes) {
  return file_->accept(*this, offset, bytes);
}

void File::start(const std::shared_ptr<Fetch>& fetch) {
  ++core_.fetches;
  ++core_.calls_running;
  remote::CallOptions options;
  options.priority = fetch->priority;
  options.deadline = core_.timeout + std::chrono::seconds(fetch->extent.length() / slowest_bytes_per_second);
  options.cancel = fetch->token();
  spawn(source_->fetch({fetch->extent.begin, fetch->extent.length()}, fetch, options),
        [self = shared_from_this(), fetch](const Result<void>& outcome) {
          self->ended(fetch, outcome);
          self->call_ended();
        });
}

void File::call_ended() {
  --core_.calls_running;
  core_.calls_running.notify_all();
}

net::Flow File::accept(Fetch& fetch, std::uint64_t offset, std::span<const std::byte> bytes) {
  int fd = -1;
  bool here = false;
  {
    const MutexLock lock(mutex_);
    if (fetch.abandoned || offset != fetch.position || bytes.size() > fetch.extent.end - offset) {
      return net::Flow::stop;
    }
    here = present_.covers({offset, offset + bytes.size()});
    // Into memory under the lock, because recording may put a file in its place at any moment.
    if (staged_ && !here) std::memcpy(staged_->data() + offset, bytes.data(), bytes.size());
    here = here || staged_;
    fd = fd_.get();
  }
  if (!here) {
    auto written = write_at(fd, offset, bytes);
    if (!written && written.error().code == Errc::no_space && core_.housekeeping.make_room()) {
      written = write_at(fd, offset, bytes);
    }
    if (!written) {
      const MutexLock lock(mutex_);
      fetch.failure = written.error();
      return net::Flow::stop;
    }
  }
  core_.bytes_fetched += bytes.size();
  Aftermath after;
  {
    const MutexLock lock(mutex_);
    fetch.position = offset + bytes.size();
    const bool atomic = source_->atomic();
    const auto tail = atomic ? 0 : std::min(withheld_tail, fetch.extent.length());
    const auto visible = std::max(fetch.visible, std::min(fetch.position, fetch.extent.end - tail));
    show({fetch.visible, visible}, atomic);
    fetch.visible = visible;
    take_satisfied(after);
  }
  run(std::move(after));
  return net::Flow::proceed;
}

void File::show(Extent extent, bool confirmed) {
  if (extent.begin == extent.end) return;
  const auto before = present_.total();
  present_.add(extent);
  (confirmed ? unrecorded_ : unconfirmed_).add(extent);
  core_.housekeeping.size_changed(static_cast<std::int64_t>(present_.total() - before));
}

void File::ended(const std::shared_ptr<Fetch>& fetch, const Result<void>& outcome) {
  Aftermath after;
  bool to_confirm = false;
  bool to_record = false;
  {
    const MutexLock lock(mutex_);
    const bool whole = outcome && fetch->position == fetch->extent.end;
    // Until it is confirmed it stays in fetches_: its tail is still on its way.
    to_confirm = whole && !fetch->abandoned && !source_->atomic();
    if (!to_confirm) fetches_.remove(fetch);
    to_record = !to_confirm && !unrecorded_.empty();
    if (!whole && !fetch->abandoned) failed(*fetch, outcome, after);
  }
  if (to_record) core_.housekeeping.record_soon(shared_from_this());
  run(std::move(after));
  if (to_confirm) confirm(fetch);
}

void File::failed(const Fetch& fetch, const Result<void>& outcome, Aftermath& after) {
  auto error = fetch.failure ? *fetch.failure
               : outcome     ? Error{Errc::protocol, "the server sent less than it announced"}
                             : outcome.error();
  if (error.code == Errc::stale) return poison(std::move(error), after);
  const auto progress = fetch.position - fetch.extent.begin;
  const unsigned attempt = progress >= real_progress ? 0 : fetch.attempt + 1;
  if (!fetch.failure && worth_another_request(error.code) && progress > 0 && attempt < max_attempts) {
    return add_fetch({.extent = {fetch.visible, fetch.extent.end},
                      .priority = fetch.priority,
                      .stream = fetch.stream,
                      .attempt = attempt},
                     after);
  }
  take_unreachable(error, after);
}

void File::confirm(const std::shared_ptr<Fetch>& fetch) {
  Extents seen;
  {
    const MutexLock lock(mutex_);
    seen = unconfirmed_;
  }
  remote::CallOptions options;
  options.priority = fetch->priority;
  options.deadline = core_.timeout;
  options.cancel = fetch->token();
  ++core_.calls_running;
  spawn(source_->confirm(options), [self = shared_from_this(), fetch, seen](const Result<void>& outcome) {
    self->confirmed(fetch, seen, outcome);
    self->call_ended();
  });
}

void File::confirmed(const std::shared_ptr<Fetch>& fetch, const Extents& seen, const Result<void>& outcome) {
  Aftermath after;
  {
    const MutexLock lock(mutex_);
    fetches_.remove(fetch);
    if (fetch->abandoned) return;
    if (outcome) {
      show({fetch->visible, fetch->extent.end}, true);
      for (const auto& extent : seen.list()) {
        unconfirmed_.remove(extent);
        unrecorded_.add(extent);
      }
      take_satisfied(after);
    } else if (outcome.error().code == Errc::stale) {
      poison(outcome.error(), after);
    } else {
      take_unreachable(outcome.error(), after);
    }
  }
  if (outcome) core_.housekeeping.record_soon(shared_from_this());
  run(std::move(after));
}

void File::poison(Error error, Aftermath& after) {
  if (!poison_) poison_ = std::move(error);
  const auto before = present_.total();
  for (const auto& extent : unconfirmed_.list()) present_.remove(extent);
  unconfirmed_.clear();
  core_.housekeeping.size_changed(-static_cast<std::int64_t>(before - present_.total()));
  for (const auto& fetch : fetches_) {
    if (fetch->abandoned) continue;
    fetch->abandoned = true;
    after.cancel.push_back(fetch);
  }
  take_unreachable(*poison_, after);
}

// Fails those whose bytes nobody fetches any more (invariant 2).
void File::take_unreachable(const Error& error, Aftermath& after) {
  after.error = error;
  Extents known = present_;
  for (const auto& fetch : fetches_) {
    if (!fetch->abandoned) known.add({fetch->visible, fetch->extent.end});
  }
  for (auto at = waiters_.begin(); at != waiters_.end();) {
    const auto waiter = at++;
    if (!known.covers(waiter->extent)) answer(after, waiter);
  }
}

}  // namespace nithronfs::cache

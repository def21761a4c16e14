// Reads: what is here, what has to be fetched for them, and what is worth fetching ahead.
#include "file.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace nithronfs::cache {
namespace {

constexpr std::uint64_t kib = 1024;
// Files up to this size are fetched whole: the request costs more than the bytes.
constexpr std::uint64_t small_file = 256 * kib;
// Files up to this size are answered from memory before they are on the disk; max_unrecorded bounds how many.
constexpr std::uint64_t staged_size = 32 * kib;
// The least that is asked for beyond what a reader needs, and the grain that requests end on.
constexpr std::uint64_t grain = 64 * kib;
constexpr std::uint64_t page = 4 * kib;
// A reader does not wait for a fetch that is further away than this; it gets its own.
constexpr std::uint64_t near_enough = 8192 * kib;
// Less than this is cheaper to receive than to cancel: over HTTP/1.1 cancelling costs the connection.
constexpr std::uint64_t not_worth_cancelling = 256 * kib;
constexpr std::size_t max_ahead_fetches = 2;

constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t to) {
  return (value + to - 1) / to * to;
}
constexpr std::uint64_t align_down(std::uint64_t value, std::uint64_t to) {
  return value / to * to;
}

}  // namespace

Stream::~Stream() {
  file_->end_readahead(id_);
}

File::File(Core& core, FileSpec spec, std::shared_ptr<Source> source)
    : core_(core), spec_(std::move(spec)), source_(std::move(source)) {}

File::~File() {
  const MutexLock lock(mutex_);
  if (doomed_) {
    core_.directory.remove(spec_.key);
    // A row that stays behind is found wanting at the next load.
    (void)core_.index.erase(std::span(&spec_.key, 1));
    core_.housekeeping.size_changed(-static_cast<std::int64_t>(present_.total()));
  } else if (present_.total() > recorded_.total()) {
    core_.housekeeping.size_changed(-static_cast<std::int64_t>(present_.total() - recorded_.total()));
  }
}

Result<void> File::load() {
  if (loaded_) return {};
  auto row = core_.index.load(spec_.key, spec_.size);
  if (!row) return fail(row.error());
  auto found = core_.directory.open_existing(spec_);
  if (!found) return fail(found.error());
  const auto known = row->has_value() ? (*row)->total() : 0;
  if (*found && (*found)->complete) {
    present_.add({0, spec_.size});
    complete_on_disk_ = true;
    if (known == spec_.size) recorded_ = present_;
  } else if (*found && (*found)->existed && row->has_value()) {
    present_ = std::move(**row);
    recorded_ = present_;
  } else if (known > 0) {
    if (auto erased = core_.index.erase(std::span(&spec_.key, 1)); !erased) return erased;
  }
  if (present_.total() != known) {
    core_.housekeeping.size_changed(static_cast<std::int64_t>(present_.total()) -
                                    static_cast<std::int64_t>(known));
  }
  if (*found) {
    fd_ = std::move((*found)->fd);
  } else if (spec_.size <= staged_size && core_.housekeeping.may_stage()) {
    staged_ = std::make_shared<std::string>(spec_.size, '\0');
  } else {
    auto made = core_.directory.open(spec_);
    if (!made) return fail(made.error());
    fd_ = std::move(made->fd);
  }
  loaded_ = true;
  if (!present_.empty()) core_.housekeeping.record_soon(shared_from_this());  // for the time of last use
  return {};
}

void File::read(Stream& stream, std::uint64_t offset, std::size_t length, CancelToken interrupt_token,
                ReadDone done) {
  ++core_.reads;
  const Extent want{
      offset, offset < spec_.size ? offset + std::min<std::uint64_t>(length, spec_.size - offset) : offset};
  if (want.begin == want.end) return done(Slice{});
  Aftermath after;
  std::uint64_t waiter = 0;
  MutexLock lock(mutex_);
  auto ready = core_.stopped ? Result<void>(fail(Errc::cancelled, "unmounting")) : load();
  const bool hit = ready && present_.covers(want);
  if (ready && !hit && poison_) ready = fail(*poison_);
  if (!ready) {
    lock.unlock();
    return done(fail(ready.error()));
  }
  if (!hit) {
    waiter = ++last_waiter_;
    waiters_.push_back({waiter, want, core_.seams.clock.steady() + core_.timeout, std::move(done), {}});
  }
  plan(want, stream, hit, after);
  auto here = hit ? slice(want) : Slice{};
  lock.unlock();

  if (hit) {
    ++core_.hits;
    done(std::move(here));
  }
  run(std::move(after));
  if (hit) return;
  core_.housekeeping.watch_deadlines();
  // Destroyed after the lock is released: its destructor waits for an interrupt that may be running.
  auto registration =
      interrupt_token.on_cancel([self = shared_from_this(), waiter] { self->interrupt(waiter); });
  const MutexLock relock(mutex_);
  const auto still = std::ranges::find(waiters_, waiter, &Waiter::id);
  if (still != waiters_.end()) still->registration = std::move(registration);
}

void File::plan(Extent read, Stream& stream, bool hit, Aftermath& after) {
  const auto wanted = stream.readahead_.on_read(read, spec_.size);
  if (wanted.seek) abandon_readahead(stream.id_, after);
  if (poison_) return;
  if (!hit) fetch_gaps(read, wanted.goal, stream.id_, after);
  fetch_ahead(read, wanted.goal, stream.id_, after);
}

Extents File::coming_soon() const {
  Extents coming;
  for (const auto& fetch : fetches_) {
    if (fetch->abandoned) continue;
    coming.add({fetch->visible, std::min(fetch->extent.end, fetch->position + near_enough)});
  }
  return coming;
}

void File::fetch_gaps(Extent read, std::uint64_t goal, std::uint64_t stream, Aftermath& after) {
  Extents known = present_;
  known.add(coming_soon());
  for (const auto& gap : known.gaps(read)) {
    auto end = gap.end;
    if (gap.end == read.end) end = std::max(goal, align_up(gap.end, grain));
    auto begin = align_down(gap.begin, page);
    if (spec_.size <= small_file) {
      begin = known.contiguous_end(0) >= gap.begin ? gap.begin : 0;
      end = spec_.size;
    }
    end = std::min({end, spec_.size, known.next(gap.end).value_or(spec_.size)});
    add_fetch(
        {.extent = {begin, std::max(end, gap.end)}, .priority = net::Priority::foreground, .stream = stream},
        after);
  }
}

std::uint64_t File::fetched_or_coming(std::uint64_t from) const {
  for (bool moved = true; moved;) {
    moved = false;
    const auto present_end = present_.contiguous_end(from);
    moved = present_end > from;
    from = present_end;
    for (const auto& fetch : fetches_) {
      if (fetch->abandoned || from < fetch->visible || from >= fetch->extent.end) continue;
      from = fetch->extent.end;
      moved = true;
    }
  }
  return from;
}

void File::fetch_ahead(Extent read, std::uint64_t goal, std::uint64_t stream, Aftermath& after) {
  if (goal <= read.end) return;
  const auto front = fetched_or_coming(read.end);
  // Refill when half of the window is used up, so that requests are few and the next one overlaps with the
  // last.
  if (front >= goal || goal - front < (goal - read.end) / 2) return;
  const auto under_way = std::ranges::count_if(
      fetches_, [&](const auto& fetch) { return fetch->stream == stream && !fetch->abandoned; });
  if (static_cast<std::size_t>(under_way) >= max_ahead_fetches) return;
  const auto end = std::min(goal, present_.next(front).value_or(goal));
  add_fetch({.extent = {front, end}, .priority = net::Priority::readahead, .stream = stream}, after);
}

void File::add_fetch(const FetchSpec& spec, Aftermath& after) {
  auto fetch = std::make_shared<Fetch>(shared_from_this(), spec);
  fetches_.push_back(fetch);
  after.start.push_back(std::move(fetch));
}

void File::abandon_readahead(std::uint64_t stream, Aftermath& after) {
  for (const auto& fetch : fetches_) {
    if (fetch->stream != stream || fetch->abandoned) continue;
    if (fetch->extent.end - fetch->position <= not_worth_cancelling) continue;
    const bool wanted = std::ranges::any_of(waiters_, [&](const Waiter& waiter) {
      return waiter.extent.begin < fetch->extent.end && fetch->visible < waiter.extent.end;
    });
    if (wanted) continue;
    fetch->abandoned = true;
    after.cancel.push_back(fetch);
  }
}

void File::end_readahead(std::uint64_t stream) {
  Aftermath after;
  {
    const MutexLock lock(mutex_);
    abandon_readahead(stream, after);
  }
  run(std::move(after));
}

void File::answer(Aftermath& after, Waiters::iterator waiter) {
  auto bytes = after.error ? Slice{} : slice(waiter->extent);
  after.answered.emplace_back(std::move(*waiter), std::move(bytes));
  waiters_.erase(waiter);
}

void File::take_satisfied(Aftermath& after) {
  for (auto at = waiters_.begin(); at != waiters_.end();) {
    const auto waiter = at++;
    if (present_.covers(waiter->extent)) answer(after, waiter);
  }
}

void File::run(Aftermath after) {
  for (auto& [waiter, bytes] : after.answered) {
    waiter.done(after.error ? Result<Slice>(fail(*after.error)) : Result<Slice>(std::move(bytes)));
  }
  for (const auto& fetch : after.cancel) fetch->cancel();
  for (const auto& fetch : after.start) start(fetch);
}

void File::interrupt(std::uint64_t waiter) {
  Aftermath after;
  after.error = Error{Errc::interrupted, "the reader was interrupted"};
  {
    const MutexLock lock(mutex_);
    const auto found = std::ranges::find(waiters_, waiter, &Waiter::id);
    if (found != waiters_.end()) answer(after, found);
  }
  run(std::move(after));
}

bool File::expire(SteadyTime now) {
  Aftermath after;
  after.error = Error{Errc::timed_out,
                      fmt::format("no answer from the server within {} s",
                                  std::chrono::duration_cast<std::chrono::seconds>(core_.timeout).count())};
  bool others = false;
  {
    const MutexLock lock(mutex_);
    for (auto at = waiters_.begin(); at != waiters_.end();) {
      const auto waiter = at++;
      if (waiter->deadline <= now) answer(after, waiter);
    }
    others = !waiters_.empty();
  }
  run(std::move(after));
  return others;
}

void File::shut_down() {
  Aftermath after;
  after.error = Error{Errc::cancelled, "unmounting"};
  {
    const MutexLock lock(mutex_);
    while (!waiters_.empty()) answer(after, waiters_.begin());
    for (const auto& fetch : fetches_) {
      fetch->abandoned = true;
      after.cancel.push_back(fetch);
    }
  }
  run(std::move(after));
}

Slice File::slice(Extent extent) const {
  return {.file = shared_from_this(),
          .memory = staged_,
          .fd = fd_.get(),
          .offset = extent.begin,
          .length = static_cast<std::size_t>(extent.length())};
}

std::uint64_t File::cached_bytes() {
  const MutexLock lock(mutex_);
  return loaded_ ? present_.total() : 0;
}

void File::doom() {
  const MutexLock lock(mutex_);
  doomed_ = true;
}

}  // namespace nithronfs::cache

// One round: commands, timers, ended exchanges, free slots, then wait for sockets.
#include "net/loop.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace nithronfs::net {
namespace {

// Calls that wait or run; above it a start fails at once.
constexpr std::size_t kMaxCalls = 16384;
constexpr std::uint64_t kWakeTag = 0;  // lanes count from 1

}  // namespace

Loop::Loop(const ClientOptions& options, const Clock& clock, Random& random, Mailbox& mailbox,
           SharedCounters& counters)
    : options_(options),
      clock_(clock),
      mailbox_(mailbox),
      counters_(counters),
      context_{options, clock, random, counters},
      slots_(options.max_connections) {}

Result<void> Loop::open() {
  epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return fail(system_error("epoll_create1", errno));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeTag;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, mailbox_.wake_fd(), &event) != 0) {
    return fail(system_error("epoll_ctl", errno));
  }
  express_ = make_lane();
  bulk_ = make_lane();
  if (!express_ || !bulk_) return fail(Errc::out_of_memory, "no memory for the HTTP client");
  // One transfer ahead of need, so that unusable options show here and not in the first request.
  auto transfer = Transfer::make(options_);
  if (!transfer)
    return fail(Errc::invalid_argument, "libcurl does not take these options (TLS 1.3, pinned key?)");
  idle_transfers_.push_back(std::move(transfer));
  return {};
}

void Loop::run() {
  while (true) {
    take_commands();
    if (stopping_ && calls_.empty() && mailbox_.close_if_empty()) return;
    run_timers();
    // What ends frees slots, and what starts wants its lane to act at once.
    do {
      run_lane_timers();
    } while (launch_waiting());
    wait_for_events();
    drop_idle_retired_lanes();
  }
}

// --- commands ---------------------------------------------------------------------------------------------

void Loop::take_commands() {
  mailbox_.take_all(commands_);
  for (Command& command : commands_) {
    std::visit([this](auto& each) { handle(each); }, command);
  }
  commands_.clear();
  if (stopping_) end_all();
}

void Loop::handle(StartCommand& command) {
  Call& call = *command.call;
  const CallId id = call.id();
  if (calls_.size() >= kMaxCalls) {
    call.finish(fail(Errc::busy, "too many requests are waiting for the server"));
    return;
  }
  if (auto checked = call.check(options_); !checked) {
    call.finish(std::move(checked));
    return;
  }
  calls_.emplace(id, std::move(command.call));
  if (const auto deadline = call.deadline()) timers_.arm(id, TimerKind::deadline, *deadline);
  slots_.enqueue(id, call.request().priority);
}

void Loop::handle(CancelCommand& command) {
  const auto found = calls_.find(command.call);
  if (found != calls_.end()) end_call(*found->second, fail(Errc::cancelled, "the request was cancelled"));
}

void Loop::handle(ResumeCommand& command) {
  const auto found = calls_.find(command.call);
  if (found != calls_.end()) found->second->resume();
}

void Loop::handle(NetworkChangedCommand&) {
  health_.forget();
  // Pauses before a repeat were meant for the old network.
  for (const auto& [id, call] : calls_) {
    if (call->place.transfer) continue;
    timers_.disarm(id, TimerKind::repeat);
    slots_.enqueue(id, call->request().priority);
  }
  // libcurl cannot be told to drop idle connections and resolved names; new pools have none.
  for (auto* lane : {&express_, &bulk_}) {
    auto fresh = make_lane();
    if (!fresh) continue;
    retired_.push_back(std::exchange(*lane, std::move(fresh)));
  }
}

void Loop::handle(StopCommand&) {
  stopping_ = true;
}

void Loop::end_all() {
  while (!calls_.empty()) {
    end_call(*calls_.begin()->second, fail(Errc::cancelled, "the connection to the server is being closed"));
  }
}

// --- calls ------------------------------------------------------------------------------------------------

bool Loop::launch_waiting() {
  bool any = false;
  while (const auto id = slots_.start_next()) {
    launch(*calls_.at(*id));
    any = true;
  }
  return any;
}

void Loop::launch(Call& call) {
  if (auto away = health_.refuse(call.authority(), clock_.steady())) {
    slots_.give_back(call.request().priority);
    end_call(call, fail(std::move(*away)));
    return;
  }
  if (auto sent = put_on_wire(call); !sent) {
    slots_.give_back(call.request().priority);
    end_call(call, std::move(sent));
  }
}

Result<void> Loop::put_on_wire(Call& call) {
  std::unique_ptr<Transfer> transfer;
  if (idle_transfers_.empty()) {
    transfer = Transfer::make(options_);
  } else {
    transfer = std::move(idle_transfers_.back());
    idle_transfers_.pop_back();
  }
  if (!transfer) return fail(Errc::out_of_memory, "no memory for a request");
  call.begin_exchange(context_);
  if (auto prepared = transfer->prepare(call.request(), call.target(), call); !prepared) return prepared;
  Lane& lane = call.request().priority == Priority::foreground ? *express_ : *bulk_;
  if (!lane.add(*transfer)) return fail(Errc::out_of_memory, "no memory for a request");
  call.place = Call::Place{.transfer = std::move(transfer), .lane = &lane, .bytes_sent = 0};
  timers_.arm(call.id(), TimerKind::stall, call.last_byte() + call.stall(options_));
  return {};
}

void Loop::reap(Lane& lane) {
  while (const auto ended = lane.take_ended()) {
    end_exchange(static_cast<Call&>(ended->transfer->events()), ended->code);
  }
}

void Loop::end_exchange(Call& call, CURLcode code) {
  const Transfer& transfer = *call.place.transfer;
  const std::string authority = call.authority();
  const CurlFailure failure{
      .code = code, .os_error = transfer.os_error(), .text = transfer.error_text(), .authority = authority};
  Call::Next next = call.conclude(failure);
  take_off_wire(call);

  if (const auto* repeat = std::get_if<Call::Repeat>(&next)) {
    timers_.arm(call.id(), TimerKind::repeat, clock_.steady() + repeat->pause);
    return;
  }
  if (std::holds_alternative<Call::Follow>(next)) {
    slots_.enqueue(call.id(), call.request().priority);
    return;
  }
  auto& outcome = std::get<Result<void>>(next);
  if (is_connect_failure(code) && !outcome) {
    health_.unreachable(authority, outcome.error(), clock_.steady());
  } else {
    health_.reached(authority);
  }
  end_call(call, std::move(outcome));
}

void Loop::take_off_wire(Call& call) {
  Call::Place place = std::exchange(call.place, {});
  place.lane->remove(*place.transfer);
  counters_.connections.fetch_add(place.transfer->connections_opened(), std::memory_order_relaxed);
  place.transfer->finish();
  timers_.disarm(call.id(), TimerKind::stall);
  slots_.give_back(call.request().priority);
  if (idle_transfers_.size() < slots_.total()) idle_transfers_.push_back(std::move(place.transfer));
}

void Loop::end_call(Call& call, Result<void> outcome) {
  if (call.place.transfer) take_off_wire(call);
  slots_.withdraw(call.id(), call.request().priority);
  timers_.disarm_all(call.id());
  const auto node = calls_.extract(call.id());
  node.mapped()->finish(std::move(outcome));
}

// --- time -------------------------------------------------------------------------------------------------

void Loop::run_timers() {
  while (const auto due = timers_.take_due(clock_.steady())) {
    Call& call = *calls_.at(due->call);
    switch (due->kind) {
      case TimerKind::deadline: {
        const auto limit = std::chrono::duration<double>(call.request().deadline).count();
        end_call(call, fail(Errc::timed_out,
                            fmt::format("{} did not answer within {:.3g} s", call.authority(), limit)));
        break;
      }
      case TimerKind::stall:
        check_stall(call);
        break;
      case TimerKind::repeat:
        slots_.enqueue(call.id(), call.request().priority);
        break;
    }
  }
}

void Loop::check_stall(Call& call) {
  const SteadyTime now = clock_.steady();
  const Nanos limit = call.stall(options_);
  const std::uint64_t sent = call.place.transfer->bytes_sent();
  if (call.paused() || sent != call.place.bytes_sent) {
    call.place.bytes_sent = sent;
    timers_.arm(call.id(), TimerKind::stall, now + limit);
    return;
  }
  if (call.last_byte() + limit > now) {
    timers_.arm(call.id(), TimerKind::stall, call.last_byte() + limit);
    return;
  }
  const auto seconds = std::chrono::duration<double>(limit).count();
  end_call(call,
           fail(Errc::timed_out, fmt::format("{} sent nothing for {:.3g} s", call.authority(), seconds)));
}

Nanos Loop::time_to_wait() const {
  constexpr Nanos kLongest = std::chrono::minutes(1);
  const SteadyTime now = clock_.steady();
  SteadyTime wake = now + kLongest;
  if (const auto timer = timers_.next()) wake = std::min(wake, *timer);
  const auto consider = [&wake](const Lane& lane) {
    if (const auto timer = lane.next_timer()) wake = std::min(wake, *timer);
  };
  consider(*express_);
  consider(*bulk_);
  for (const auto& lane : retired_) consider(*lane);
  return std::max(Nanos{0}, wake - now);
}

void Loop::run_lane_timers() {
  const SteadyTime now = clock_.steady();
  const auto run = [this, now](Lane& lane) {
    const auto timer = lane.next_timer();
    if (timer && *timer <= now) lane.run_timer();
    reap(lane);
  };
  run(*express_);
  run(*bulk_);
  for (const auto& lane : retired_) run(*lane);
}

void Loop::wait_for_events() {
  const Nanos time = time_to_wait();
  timespec timeout{};
  timeout.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  timeout.tv_nsec = (time % std::chrono::seconds(1)).count();
  std::array<epoll_event, 32> events;
  const int count =
      epoll_pwait2(epoll_.get(), events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == kWakeTag) {
      mailbox_.drain_wake();
      continue;
    }
    // A lane stays alive within a round: only drop_idle_retired_lanes() destroys.
    Lane* lane = lane_with_tag(static_cast<std::uint32_t>(event.data.u64 >> 32));
    if (lane == nullptr) continue;
    lane->on_socket(static_cast<int>(event.data.u64 & 0xffffffffU), event.events);
    reap(*lane);
  }
}

// --- lanes ------------------------------------------------------------------------------------------------

std::unique_ptr<Lane> Loop::make_lane() {
  return Lane::make(epoll_.get(), ++last_tag_, clock_, slots_.total());
}

Lane* Loop::lane_with_tag(std::uint32_t tag) const {
  if (express_->tag() == tag) return express_.get();
  if (bulk_->tag() == tag) return bulk_.get();
  const auto found = std::ranges::find_if(retired_, [tag](const auto& lane) { return lane->tag() == tag; });
  return found == retired_.end() ? nullptr : found->get();
}

void Loop::drop_idle_retired_lanes() {
  std::erase_if(retired_, [](const auto& lane) { return lane->active() == 0; });
}

}  // namespace nithronfs::net

// The net thread: takes commands, keeps calls in their order, moves bytes, and lets no wait go on for ever.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "net/call.hpp"
#include "net/lane.hpp"
#include "net/mailbox.hpp"
#include "net/retry.hpp"
#include "net/slots.hpp"
#include "net/timers.hpp"

namespace nithronfs::net {

// Everything but the constructor runs on the net thread.
class Loop {
 public:
  Loop(const ClientOptions& options, const Clock& clock, Random& random, Mailbox& mailbox,
       SharedCounters& counters);

  // Before run(). Errors: io, out_of_memory, invalid_argument (options that libcurl does not take).
  [[nodiscard]] Result<void> open();
  // Until a StopCommand; then ends every call with cancelled.
  void run();

 private:
  // Commands.
  void take_commands();
  void handle(StartCommand& command);
  void handle(CancelCommand& command);
  void handle(ResumeCommand& command);
  void handle(NetworkChangedCommand& command);
  void handle(StopCommand& command);
  void end_all();

  // Calls.
  // True when a call has left the queue.
  bool launch_waiting();
  void launch(Call& call);
  [[nodiscard]] Result<void> put_on_wire(Call& call);
  void reap(Lane& lane);
  void end_exchange(Call& call, CURLcode code);
  void take_off_wire(Call& call);
  void end_call(Call& call, Result<void> outcome);

  // Time.
  void run_timers();
  void check_stall(Call& call);
  [[nodiscard]] Nanos time_to_wait() const;
  void wait_for_events();
  void run_lane_timers();

  // Lanes.
  [[nodiscard]] std::unique_ptr<Lane> make_lane();
  [[nodiscard]] Lane* lane_with_tag(std::uint32_t tag) const;
  void drop_idle_retired_lanes();

  const ClientOptions& options_;
  const Clock& clock_;
  Mailbox& mailbox_;
  SharedCounters& counters_;
  CallContext context_;

  UniqueFd epoll_;
  SlotTable slots_;
  Timers timers_;
  HostHealth health_;
  std::unordered_map<CallId, std::unique_ptr<Call>> calls_;  // bounded by kMaxCalls
  std::vector<std::unique_ptr<Transfer>> idle_transfers_;    // bounded by the slots
  std::unique_ptr<Lane> express_;                            // foreground
  std::unique_ptr<Lane> bulk_;                               // readahead and background
  std::vector<std::unique_ptr<Lane>> retired_;  // from before a network change, until they are empty
  std::vector<Command> commands_;
  std::uint32_t last_tag_ = 0;
  bool stopping_ = false;
};

}  // namespace nithronfs::net

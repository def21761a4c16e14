// One curl multi handle on the loop's epoll: a connection pool of its own. Foreground and bulk traffic get
// separate lanes, so that on HTTP/2 a paused or greedy bulk stream never holds up the connection that
// foreground requests use.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "net/curl_handles.hpp"
#include "net/transfer.hpp"
#include "nithronfs/util/clock.hpp"

namespace nithronfs::net {

class Lane {
 public:
  // Sockets are registered at `epoll` with `tag` in the high half of epoll_data.u64 and the descriptor in the
  // low half. Nothing when memory is short.
  [[nodiscard]] static std::unique_ptr<Lane> make(int epoll, std::uint32_t tag, const Clock& clock,
                                                  unsigned max_connections);
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  ~Lane() = default;

  [[nodiscard]] std::uint32_t tag() const { return tag_; }
  [[nodiscard]] unsigned active() const { return active_; }

  [[nodiscard]] bool add(Transfer& transfer);
  // Ends an exchange that is on the wire, or lets go of one that has ended.
  void remove(Transfer& transfer);

  void on_socket(int fd, std::uint32_t epoll_events);
  [[nodiscard]] std::optional<SteadyTime> next_timer() const { return timer_; }
  void run_timer();
  // One exchange that has ended; it stays added until remove().
  struct Ended {
    Transfer* transfer;
    CURLcode code;
  };
  [[nodiscard]] std::optional<Ended> take_ended();

 private:
  Lane(int epoll, std::uint32_t tag, const Clock& clock) : epoll_(epoll), tag_(tag), clock_(clock) {}
  [[nodiscard]] bool configure(unsigned max_connections);
  void watch(int fd, int what, bool known);

  static int socket_callback(CURL*, curl_socket_t fd, int what, void* self, void* known);
  static int timer_callback(CURLM*, long milliseconds, void* self);

  const int epoll_;
  const std::uint32_t tag_;
  const Clock& clock_;
  CurlMulti multi_;
  std::optional<SteadyTime> timer_;
  unsigned active_ = 0;
};

}  // namespace nithronfs::net

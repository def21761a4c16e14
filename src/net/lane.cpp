// Wires a curl multi handle to epoll: libcurl says which sockets and which timer it wants.
#include "net/lane.hpp"

#include <sys/epoll.h>

#include <cerrno>

namespace nithronfs::net {

std::unique_ptr<Lane> Lane::make(int epoll, std::uint32_t tag, const Clock& clock, unsigned max_connections) {
  std::unique_ptr<Lane> lane(new Lane(epoll, tag, clock));
  lane->multi_.reset(curl_multi_init());
  if (!lane->multi_ || !lane->configure(max_connections)) return nullptr;
  return lane;
}

bool Lane::configure(unsigned max_connections) {
  CURLM* multi = multi_.get();
  const auto set = [multi](CURLMoption option, auto value) {
    return curl_multi_setopt(multi, option, value) == CURLM_OK;
  };
  return set(CURLMOPT_SOCKETFUNCTION, &Lane::socket_callback) && set(CURLMOPT_SOCKETDATA, this) &&
         set(CURLMOPT_TIMERFUNCTION, &Lane::timer_callback) && set(CURLMOPT_TIMERDATA, this) &&
         set(CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX)) &&
         set(CURLMOPT_MAXCONNECTS, static_cast<long>(max_connections));
}

bool Lane::add(Transfer& transfer) {
  if (curl_multi_add_handle(multi_.get(), transfer.handle()) != CURLM_OK) return false;
  ++active_;
  return true;
}

void Lane::remove(Transfer& transfer) {
  curl_multi_remove_handle(multi_.get(), transfer.handle());
  --active_;
}

void Lane::on_socket(int fd, std::uint32_t epoll_events) {
  int what = 0;
  if ((epoll_events & (EPOLLIN | EPOLLHUP)) != 0) what |= CURL_CSELECT_IN;
  if ((epoll_events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
  if ((epoll_events & EPOLLERR) != 0) what |= CURL_CSELECT_ERR;
  int running = 0;
  curl_multi_socket_action(multi_.get(), fd, what, &running);
}

void Lane::run_timer() {
  timer_.reset();
  int running = 0;
  curl_multi_socket_action(multi_.get(), CURL_SOCKET_TIMEOUT, 0, &running);
}

std::optional<Lane::Ended> Lane::take_ended() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg == CURLMSG_DONE) return Ended{&Transfer::of(message->easy_handle), message->data.result};
  }
  return std::nullopt;
}

void Lane::watch(int fd, int what, bool known) {
  epoll_event event{};
  event.data.u64 = (std::uint64_t{tag_} << 32) | static_cast<std::uint32_t>(fd);
  if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
  if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
  if (epoll_ctl(epoll_, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) == 0) return;
  // The number may have been closed and opened again behind our back.
  epoll_ctl(epoll_, errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
}

int Lane::socket_callback(CURL*, curl_socket_t fd, int what, void* self, void* known) {
  auto& lane = *static_cast<Lane*>(self);
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(lane.epoll_, EPOLL_CTL_DEL, fd, nullptr);
    return 0;
  }
  lane.watch(fd, what, known != nullptr);
  if (known == nullptr) curl_multi_assign(lane.multi_.get(), fd, self);
  return 0;
}

int Lane::timer_callback(CURLM*, long milliseconds, void* self) {
  auto& lane = *static_cast<Lane*>(self);
  if (milliseconds < 0) {
    lane.timer_.reset();
  } else {
    lane.timer_ = lane.clock_.steady() + std::chrono::milliseconds(milliseconds);
  }
  return 0;
}

}  // namespace nithronfs::net

// Breaks off answers whose file shrank while it was sent. libmicrohttpd asks sendfile(2) again and again for
// bytes that no longer exist, without end; closing the socket under it ends that, and tells the client.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <thread>

#include "fd.hpp"

namespace refserver {

class SendGuard {
  struct Sending {
    int socket = -1;
    UniqueFd file;
    std::uint64_t end = 0;
  };

 public:
  SendGuard();
  ~SendGuard();
  SendGuard(const SendGuard&) = delete;
  SendGuard& operator=(const SendGuard&) = delete;

  // While it lives, the file has to keep at least `end` bytes, or the socket is shut down. The socket must
  // outlive it; the file is duplicated.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(SendGuard& guard, int socket, int file, std::uint64_t end);
    Ticket(Ticket&& other) noexcept;
    Ticket& operator=(Ticket&& other) noexcept;
    ~Ticket();

   private:
    SendGuard* guard_ = nullptr;
    std::list<Sending>::iterator place_;
  };

 private:
  void run();

  std::mutex mutex_;  // leaf; guards the rest
  std::condition_variable changed_;
  std::list<Sending> sendings_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace refserver

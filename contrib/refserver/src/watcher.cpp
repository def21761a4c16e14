// Turns inotify events into sightings for the catalog.
#include "watcher.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "log.hpp"

namespace refserver {
namespace {

constexpr std::uint32_t interest = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY |
                                   IN_CLOSE_WRITE | IN_ATTRIB | IN_ONLYDIR | IN_EXCL_UNLINK;
constexpr auto busy_interval = std::chrono::seconds(1);
constexpr int unsettled_retry_ms = 100;
constexpr int rename_gap_ms = 2;  // the halves of one rename are queued microseconds apart
constexpr std::size_t events_per_round = 20000;

}  // namespace

Watcher::Watcher(const Share& share, FullCatalog& catalog, std::chrono::seconds scan_interval)
    : share_(share),
      catalog_(catalog),
      scan_interval_(scan_interval),
      inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
      stop_event_(::eventfd(0, EFD_CLOEXEC)) {
  if (!stop_event_) throw std::runtime_error("cannot create an eventfd");
  if (!inotify_) {
    incomplete_ = true;
    log("share {}: inotify is not available ({}); it is scanned every {} s instead", share_.name,
        std::strerror(errno), scan_interval_.count());
  }
  catalog_.observe(this);
}

Watcher::~Watcher() {
  if (thread_.joinable()) {
    std::uint64_t one = 1;
    [[maybe_unused]] auto written = ::write(stop_event_.get(), &one, sizeof one);
    thread_.join();
  }
  catalog_.observe(nullptr);
}

void Watcher::start() {
  catalog_.scan();
  last_scan_ = Clock::now();
  thread_ = std::thread([this] { run(); });
}

void Watcher::directory_appeared(std::uint64_t id, const std::string& path) {
  std::lock_guard lock(watches_mutex_);
  if (!inotify_ || watch_of_directory_.contains(id)) return;
  auto fd = open_beneath(share_, path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (!fd) return;  // gone again: its parent's events tell
  // By descriptor and not by path, so that what is watched is what was resolved beneath the root.
  int watch =
      ::inotify_add_watch(inotify_.get(), fmt::format("/proc/self/fd/{}", fd->get()).c_str(), interest);
  if (watch >= 0) {
    directory_of_watch_[watch] = id;
    watch_of_directory_[id] = watch;
    return;
  }
  if (!incomplete_) {
    log("share {}: cannot watch {} ({}); the share is scanned every {} s instead. "
        "Raise the sysctl fs.inotify.max_user_watches to have changes at once",
        share_.name, path, std::strerror(errno), scan_interval_.count());
  }
  incomplete_ = true;
}

void Watcher::directory_gone(std::uint64_t id) {
  std::lock_guard lock(watches_mutex_);
  auto found = watch_of_directory_.find(id);
  if (found == watch_of_directory_.end()) return;
  ::inotify_rm_watch(inotify_.get(), found->second);  // fails where the kernel removed it with the directory
  directory_of_watch_.erase(found->second);
  watch_of_directory_.erase(found);
}

void Watcher::run() {
  bool unsettled = false;
  while (true) {
    std::array<pollfd, 2> waiting{{{stop_event_.get(), POLLIN, 0}, {inotify_.get(), POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), next_timeout_ms(unsettled)) < 0 && errno != EINTR) return;
    if ((waiting[0].revents & POLLIN) != 0) return;
    try {
      handle_round((waiting[1].revents & POLLIN) != 0, unsettled);
    } catch (const std::exception& error) {
      log("share {}: {}", share_.name, error.what());
      last_scan_ = Clock::time_point();
    }
  }
}

void Watcher::handle_round(bool readable, bool& unsettled) {
  std::vector<Event> events;
  bool lost = readable && drain(events);
  auto sightings = digest(events);
  add_due(sightings);
  if (!sightings.empty() || unsettled) unsettled = catalog_.settle(sightings);
  bool incomplete = false;
  {
    std::lock_guard lock(watches_mutex_);
    incomplete = incomplete_;
  }
  bool due = incomplete && Clock::now() - last_scan_ >= scan_interval_;
  if (lost) log("share {}: more changes than inotify could hold; scanning", share_.name);
  if (lost || due || catalog_.wants_scan()) {
    catalog_.scan();
    last_scan_ = Clock::now();
  }
}

bool Watcher::drain(std::vector<Event>& events) {
  alignas(inotify_event) std::array<char, 64 * 1024> buffer;
  bool lost = false;
  while (events.size() < events_per_round) {
    ssize_t got = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (got <= 0) {
      // Wait for the other half of a rename rather than to take it for a deletion.
      bool half = !events.empty() && (events.back().mask & IN_MOVED_FROM) != 0;
      pollfd more{inotify_.get(), POLLIN, 0};
      if (half && ::poll(&more, 1, rename_gap_ms) > 0) continue;
      break;
    }
    std::lock_guard lock(watches_mutex_);
    for (ssize_t at = 0; at < got;) {
      const auto* raw = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + raw->len);
      if ((raw->mask & IN_Q_OVERFLOW) != 0) lost = true;
      auto directory = directory_of_watch_.find(raw->wd);
      if (directory == directory_of_watch_.end()) continue;
      if ((raw->mask & IN_IGNORED) != 0) {
        watch_of_directory_.erase(directory->second);
        directory_of_watch_.erase(directory);
      } else if (raw->len > 0) {
        events.push_back({{directory->second, raw->name}, raw->mask, raw->cookie});
      }
    }
  }
  return lost;
}

std::vector<Sighting> Watcher::digest(const std::vector<Event>& events) {
  std::vector<Sighting> sightings;
  std::unordered_map<std::uint32_t, std::size_t> half_renames;
  for (const auto& event : events) {
    if ((event.mask & IN_MOVED_FROM) != 0) half_renames[event.cookie] = sightings.size();
    if ((event.mask & IN_MOVED_TO) != 0) {
      auto half = half_renames.find(event.cookie);
      if (half != half_renames.end()) {
        sightings[half->second].to = event.slot;
        continue;
      }
    }
    if (postponed(event)) continue;
    bool goes = (event.mask & (IN_DELETE | IN_MOVED_FROM)) != 0;
    bool repeated = !sightings.empty() && !sightings.back().to && sightings.back().slot == event.slot;
    if (repeated && !goes) continue;
    auto absence = goes ? CatalogBatch::Absence::final : CatalogBatch::Absence::pending;
    sightings.push_back({event.slot, absence, std::nullopt});
  }
  return sightings;
}

bool Watcher::postponed(const Event& event) {
  if ((event.mask & IN_MODIFY) == 0) {
    if ((event.mask & (IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM)) != 0) busy_.erase(event.slot);
    return false;
  }
  auto now = Clock::now();
  auto [entry, is_new] = busy_.try_emplace(event.slot, Busy{now, false});
  if (is_new) return false;
  if (now - entry->second.last_look >= busy_interval) {
    entry->second = {now, false};
    return false;
  }
  entry->second.again = true;
  return true;
}

void Watcher::add_due(std::vector<Sighting>& sightings) {
  auto now = Clock::now();
  for (auto entry = busy_.begin(); entry != busy_.end();) {
    auto& [slot, busy] = *entry;
    bool due = now - busy.last_look >= busy_interval;
    if (due && !busy.again) {
      entry = busy_.erase(entry);
      continue;
    }
    if (due) {
      sightings.push_back({slot, CatalogBatch::Absence::pending, std::nullopt});
      busy = {now, false};
    }
    ++entry;
  }
}

int Watcher::next_timeout_ms(bool unsettled) const {
  if (unsettled) return unsettled_retry_ms;
  auto wait = std::chrono::milliseconds(1000);  // also the pace at which wants_scan() is noticed
  for (const auto& [slot, busy] : busy_) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(busy.last_look + busy_interval - Clock::now());
    wait = std::clamp(left, std::chrono::milliseconds(1), wait);
  }
  return static_cast<int>(wait.count());
}

}  // namespace refserver

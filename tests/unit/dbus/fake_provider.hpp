// A mount that says what the test tells it to.
#pragma once

#include <mutex>
#include <utility>

#include "nithronfs/dbus/server.hpp"

namespace nithronfs::dbus {

class FakeProvider final : public MountStatusProvider {
 public:
  [[nodiscard]] MountStatus status() const override {
    const std::lock_guard lock(mutex_);
    return status_;
  }
  [[nodiscard]] std::vector<Problem> problems() const override {
    const std::lock_guard lock(mutex_);
    return problems_;
  }
  [[nodiscard]] std::vector<Statistic> statistics() const override {
    const std::lock_guard lock(mutex_);
    return statistics_;
  }

  void set(MountStatus status) {
    const std::lock_guard lock(mutex_);
    status_ = std::move(status);
  }
  void set(std::vector<Problem> problems) {
    const std::lock_guard lock(mutex_);
    problems_ = std::move(problems);
  }
  void set(std::vector<Statistic> statistics) {
    const std::lock_guard lock(mutex_);
    statistics_ = std::move(statistics);
  }

 private:
  mutable std::mutex mutex_;
  MountStatus status_;
  std::vector<Problem> problems_;
  std::vector<Statistic> statistics_;
};

}  // namespace nithronfs::dbus

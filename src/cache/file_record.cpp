// Recording: bytes that were flushed become rows of the index, complete files get their mark.
#include "disk.hpp"
#include "file.hpp"

namespace nithronfs::cache {

Result<std::optional<int>> File::begin_recording() {
  const MutexLock lock(mutex_);
  if (!loaded_ || doomed_) return std::nullopt;
  recording_.add(unrecorded_);
  unrecorded_.clear();
  if (recording_.empty()) return std::nullopt;
  if (staged_) {
    if (auto placed = put_on_disk(); !placed) {
      recording_.clear();
      return fail(placed.error());
    }
  }
  return fd_.get();
}

Result<void> File::put_on_disk() {
  auto file = core_.directory.open(spec_);
  if (!file) return fail(file.error());
  if (auto written = write_at(file->fd.get(), 0, std::as_bytes(std::span(*staged_))); !written)
    return written;
  fd_ = std::move(file->fd);
  staged_.reset();  // answers that are under way keep theirs
  return {};
}

PresenceRow File::recorded() {
  const MutexLock lock(mutex_);
  PresenceRow row{spec_.key, core_.seams.clock.wall(), recorded_};
  row.extents.add(recording_);
  return row;
}

void File::finish_recording() {
  const MutexLock lock(mutex_);
  recorded_.add(recording_);
  recording_.clear();
  if (complete_on_disk_ || doomed_ || !recorded_.covers({0, spec_.size})) return;
  // Without the mark the file is merely not adopted after the index was lost.
  complete_on_disk_ = core_.directory.mark_complete(fd_.get(), spec_.version).has_value();
}

void File::forget_unrecorded() {
  const MutexLock lock(mutex_);
  recording_.clear();
}

}  // namespace nithronfs::cache

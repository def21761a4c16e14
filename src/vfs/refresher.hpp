// Asks the server about directories and files, once however many want to know, and puts the answers into the
// tree.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <vector>

#include "nithronfs/util/mutex.hpp"
#include "nithronfs/vfs/vfs.hpp"

namespace nithronfs::vfs {

// Problems that people should know of: bounded, one per path and message.
class ProblemList {
 public:
  explicit ProblemList(const Clock& clock) : clock_(clock) {}
  // True when it is new.
  bool add(std::string path, std::string message) EXCLUDES(mutex_);
  [[nodiscard]] std::vector<Problem> list() const EXCLUDES(mutex_);

 private:
  static constexpr std::size_t max_problems = 200;
  const Clock& clock_;
  mutable Mutex mutex_;
  std::deque<Problem> problems_ GUARDED_BY(mutex_);
};

// Failures that somebody in front of a terminal may ask about: each path and kind once a minute, and the
// server's going away and coming back once each. Thread-safe.
class FailureLog {
 public:
  explicit FailureLog(Seams seams) : seams_(seams) {}
  // `action` such as "list" or "read".
  void failed(std::string_view action, const std::string& path, const Error& error) EXCLUDES(mutex_);
  void worked() EXCLUDES(mutex_);
  // The server did not answer a moment ago: asking again would only make somebody wait.
  [[nodiscard]] bool away() const EXCLUDES(mutex_);

 private:
  const Seams seams_;
  mutable Mutex mutex_;
  std::optional<SteadyTime> away_since_ GUARDED_BY(mutex_);  // the last failure to reach it, not the first
  std::map<std::string, SteadyTime> told_ GUARDED_BY(mutex_);
};

// Thread-safe. Callbacks run on the engine thread, or at once during shutdown.
class Refresher {
 public:
  using Done = std::move_only_function<void(Result<void>)>;

  Refresher(const Vfs::Parts& parts, Nanos fresh_for, Nanos timeout)
      : parts_(parts),
        fresh_for_(fresh_for),
        timeout_(timeout),
        problems_(parts.seams.clock),
        failures_(parts.seams) {}

  void observe(Observer* observer) { observer_ = observer; }

  // Lists the directory (the shares, for the root of all) and applies what comes.
  void list(NodeId directory, Done done) EXCLUDES(mutex_);
  // Confirms one file: through its directory when that is small, so that its siblings are confirmed with it.
  void confirm(NodeId file, Done done) EXCLUDES(mutex_);
  // The same without anybody waiting, and not while the server is known to be away.
  void list_in_background(NodeId directory) EXCLUDES(mutex_);

  [[nodiscard]] bool fresh(WallTime verified) const;
  [[nodiscard]] bool away() const { return failures_.away(); }
  [[nodiscard]] FailureLog& failures() { return failures_; }
  [[nodiscard]] bool busy() const EXCLUDES(mutex_);
  [[nodiscard]] WallTime last_confirmed() const EXCLUDES(mutex_);
  [[nodiscard]] const ProblemList& problems() const { return problems_; }

  void shutdown() EXCLUDES(mutex_);

 private:
  enum class What : std::uint8_t { directory, file };
  using Key = std::pair<What, NodeId>;

  void ask(Key key, Done done) EXCLUDES(mutex_);
  void answered(Key key, const Result<void>& outcome) EXCLUDES(mutex_);
  Task<Result<void>> list_directory(NodeId directory);
  Task<Result<void>> list_shares();
  Task<Result<void>> confirm_file(NodeId file);
  [[nodiscard]] Result<void> publish(Result<tree::Changes> changes);
  [[nodiscard]] remote::CallOptions call_options() const;

  const Vfs::Parts parts_;
  const Nanos fresh_for_;
  const Nanos timeout_;
  Observer* observer_ = nullptr;
  ProblemList problems_;
  FailureLog failures_;
  CancelSource stop_;

  mutable Mutex mutex_;
  std::condition_variable_any idle_;
  std::map<Key, std::vector<Done>> waiting_ GUARDED_BY(mutex_);
  std::size_t running_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  WallTime last_confirmed_ GUARDED_BY(mutex_){};
};

}  // namespace nithronfs::vfs

// PUT in its two forms. Full: received into a hidden file, put on disk, then renamed into place under the
// conditions of the request. Stock: written in place, as it comes, with every hazard that this has.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "methods.hpp"
#include "names.hpp"
#include "temporary.hpp"

namespace refserver::dav {
namespace {

bool is_missing_parent(int error_number) {
  return error_number == ENOENT || error_number == ENOTDIR;
}

class AtomicPut final : public Exchange {
 public:
  explicit AtomicPut(Call call) : call_(std::move(call)) {}

  std::optional<Response> refuse() override {
    if (auto refusal = refuse_request()) return refusal;
    if (auto refusal = refuse_by_target(target())) return refusal;
    auto made = Temporary::create_beside(*call_.share, call_.path, Temporary::Kind::file);
    if (!made) return is_missing_parent(made.error()) ? answer(409) : answer_error(call_, made.error());
    temporary_.emplace(std::move(*made));
    return std::nullopt;
  }

  bool write(std::span<const std::byte> piece) override {
    received_ += piece.size();
    if (call_.share->max_size && received_ > *call_.share->max_size) error_ = EFBIG;
    if (error_ == 0) error_ = temporary_->write_all(piece);
    return error_ == 0;
  }

  Response finish() override {
    Response response = conclude();
    temporary_.reset();  // whatever was refused is gone before the answer is
    return response;
  }

 private:
  Response conclude() {
    if (error_ == 0) error_ = settle();
    if (error_ != 0) return answer_error(call_, error_);

    Change change(call_);
    const auto before = target();
    // Much may have happened while the body came in: everything is asked again.
    if (auto refusal = refuse_by_target(before)) return std::move(*refusal);
    if (const int error = temporary_->publish(*call_.share, call_.path); error != 0) {
      return is_missing_parent(error) ? answer(409) : answer_error(call_, error);
    }
    struct stat now{};
    if (::fstat(temporary_->fd(), &now) != 0) return answer_error(call_, errno);
    const auto sequence = before ? change->modified(call_.path, now) : change->created(call_.path, now);
    Response response = answer(before ? 204 : 201, {{"ETag", '"' + change->etag(call_.path, now) + '"'}});
    const auto parent = hold_parent(call_, call_.path);
    change.end();

    if (const int error = sync_directory(call_, parent); error != 0) return answer_error(call_, error);
    if (mtime_) response.headers.set("X-OC-Mtime", "accepted");
    add_sequence(response, sequence);
    return response;
  }

  // What is wrong with the request whatever the disk holds.
  std::optional<Response> refuse_request() {
    const Headers& headers = call_.request.headers;
    if (headers.has("Content-Range")) return answer(400);
    if (const auto text = headers.get("X-OC-Mtime")) {
      mtime_ = parse_unix_time(*text);
      if (!mtime_) return answer(400);
    }
    if (call_.path.empty() || call_.names_collection()) return answer(405);
    if (!is_valid_utf8(call_.path)) return answer(400);
    if (has_internal_component(call_.path)) return answer(403);
    const auto length = call_.request.content_length;
    if (call_.share->max_size && length && *length > *call_.share->max_size) return answer(413);
    return std::nullopt;
  }

  OrErrno<Resource> target() const {
    const auto status = stat_beneath(*call_.share, call_.path);
    if (!status) return std::unexpected(status.error());
    return Resource{call_.path, *status};
  }

  // What is wrong with the request for what is there now.
  std::optional<Response> refuse_by_target(const OrErrno<Resource>& target) const {
    if (target && target->is_directory()) return answer(405);
    // A symlink or device is not served, so it is not replaced by somebody who cannot have seen it either.
    if (target && !target->is_file()) return answer(403);
    if (!target && target.error() != ENOENT) {
      return is_missing_parent(target.error()) ? answer(409) : answer_error(call_, target.error());
    }
    if (auto refusal = refuse_change(
            call_, {{.key = lock_key(call_, call_.path), .changes_membership = !target.has_value()}})) {
      return refusal;
    }
    return refuse_by_conditions(call_, target);
  }

  // Times, owner and bytes as they have to be when the file appears. errno or 0.
  int settle() {
    const int fd = temporary_->fd();
    if (const auto replaced = target(); replaced && replaced->is_file()) {
      // Best effort: a server that is not root cannot give files away.
      [[maybe_unused]] const int owned = ::fchown(fd, replaced->status.st_uid, replaced->status.st_gid);
      ::fchmod(fd, replaced->status.st_mode & 07777);
    }
    if (mtime_) {
      const struct timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, *mtime_};
      if (::futimens(fd, times) != 0) return errno;
    }
    struct stat status{};
    if (::fstat(fd, &status) != 0) return errno;
    return call_.state->sync.sync(fd, status.st_dev);
  }

  Call call_;
  std::optional<struct timespec> mtime_;
  std::optional<Temporary> temporary_;
  std::uint64_t received_ = 0;
  int error_ = 0;
};

class InPlacePut final : public Exchange {
 public:
  explicit InPlacePut(Call call) : call_(std::move(call)) {}

  std::optional<Response> refuse() override {
    if (call_.path.empty() || has_internal_component(call_.path)) return answer(405);
    return refuse_change(call_, {{.key = lock_key(call_, call_.path)}});
  }

  bool write(std::span<const std::byte> piece) override {
    if (!open()) return false;
    while (!piece.empty()) {
      const ssize_t written = ::write(fd_.get(), piece.data(), piece.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        write_failed_ = true;
        return false;
      }
      piece = piece.subspan(static_cast<std::size_t>(written));
    }
    return true;
  }

  Response finish() override {
    if (!open()) return is_missing_parent(error_) ? answer(409) : answer_error(call_, error_);
    Change change(call_);
    struct stat now{};
    if (write_failed_ || ::fstat(fd_.get(), &now) != 0) return answer(405);  // so says stock of a full disk
    change->modified(call_.path, now);
    return answer(201, {{"ETag", '"' + change->etag(call_.path, now) + '"'}});
  }

 private:
  // At the first byte: from here on the old content is lost, whatever becomes of this upload.
  bool open() {
    if (fd_ || error_ != 0) return error_ == 0;
    auto opened = open_beneath(*call_.share, call_.path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (!opened) {
      error_ = opened.error();
      return false;
    }
    fd_ = std::move(*opened);
    return true;
  }

  Call call_;
  UniqueFd fd_;
  int error_ = 0;
  bool write_failed_ = false;
};

}  // namespace

std::unique_ptr<Exchange> make_atomic_put(Call call) {
  return std::make_unique<AtomicPut>(std::move(call));
}

std::unique_ptr<Exchange> make_in_place_put(Call call) {
  return std::make_unique<InPlacePut>(std::move(call));
}

}  // namespace refserver::dav

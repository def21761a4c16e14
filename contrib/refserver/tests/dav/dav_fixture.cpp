// The fixture of the handler tests.
#include "dav_fixture.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <span>

namespace refserver::dav {

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "refserver-dav-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::filesystem::filesystem_error("mkdtemp", {});
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

bool mount_tiny_disk(const std::filesystem::path& directory) {
  if (::unshare(CLONE_NEWNS) != 0) return false;
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  return ::mount("tiny", directory.c_str(), "tmpfs", 0, "size=64k") == 0;
}

namespace {

std::pair<ino_t, std::int64_t> key_of(const struct stat& now) {
  return {now.st_ino, now.st_mtim.tv_sec * 1'000'000'000 + now.st_mtim.tv_nsec};
}

}  // namespace

class RecordingCatalog::Held final : public Catalog::Mutation {
 public:
  explicit Held(RecordingCatalog& catalog) : catalog_(catalog) {
    EXPECT_FALSE(catalog_.held) << "one mutation at a time";
    catalog_.held = true;
  }
  ~Held() override { catalog_.held = false; }

  std::uint64_t created(std::string_view path, const struct stat&) override {
    return catalog_.report(fmt::format("created {}", path));
  }
  std::uint64_t modified(std::string_view path, const struct stat& now) override {
    catalog_.versions_[key_of(now)] = ++catalog_.last_version_;
    return catalog_.report(fmt::format("modified {}", path));
  }
  std::uint64_t removed(std::string_view path) override {
    return catalog_.report(fmt::format("removed {}", path));
  }
  std::uint64_t renamed(std::string_view from, std::string_view to, const struct stat&) override {
    return catalog_.report(fmt::format("renamed {} {}", from, to));
  }
  std::string etag(std::string_view, const struct stat& now) override { return catalog_.tag_of(now); }

 private:
  RecordingCatalog& catalog_;
};

std::unique_ptr<Catalog::Mutation> RecordingCatalog::mutate() {
  return std::make_unique<Held>(*this);
}

std::string RecordingCatalog::etag(std::string_view path, const struct stat& now) {
  EXPECT_FALSE(held) << "would dead-lock: " << path;
  return tag_of(now);
}

std::string RecordingCatalog::tag_of(const struct stat& now) {
  if (!S_ISREG(now.st_mode)) return {};
  if (profile_ == Profile::stock) return fmt::format("{:x}{:x}", key_of(now).second, now.st_size);
  const auto [entry, added] = versions_.try_emplace(key_of(now), last_version_ + 1);
  if (added) ++last_version_;
  return fmt::format("v{}", entry->second);
}

std::uint64_t RecordingCatalog::report(std::string text) {
  reports.push_back(std::move(text));
  return profile_ == Profile::full ? ++sequence_ : 0;
}

Answer read_answer(Response response) {
  Answer answer{.status = response.status, .headers = std::move(response.headers)};
  if (auto* text = std::get_if<std::string>(&response.body)) answer.body = std::move(*text);
  if (auto* file = std::get_if<FileBody>(&response.body)) {
    answer.body.resize(file->length);
    const ssize_t got =
        ::pread(file->fd.get(), answer.body.data(), file->length, static_cast<off_t>(file->offset));
    EXPECT_EQ(got, static_cast<ssize_t>(file->length));
  }
  if (auto* stream = std::get_if<StreamBody>(&response.body)) {
    for (auto step = StreamBody::Step::more; step == StreamBody::Step::more;) {
      std::string chunk;
      step = stream->next(chunk);
      answer.largest_chunk = std::max(answer.largest_chunk, chunk.size());
      answer.body += chunk;
      answer.broken = step == StreamBody::Step::broken;
    }
  }
  return answer;
}

DavFixture::DavFixture(Profile profile)
    : profile_(profile),
      catalog_(profile),
      database_(state_directory_.path(), 4),
      state_(database_, [this] { return now_; },
             {.one = [this](int fd) { return sync_disk_(fd); },
              .file_system = [this](int fd) { return sync_disk_(fd); }}) {
  share_.id = "sh 1";
  share_.name = "Docs";
  share_.root = root_.path();
  share_.root_fd.reset(::open(root_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  share_.follow_inner_symlinks = profile == Profile::stock;
}

DavContext DavFixture::context(std::string_view user) {
  return {.profile = profile_,
          .state = &state_,
          .user = std::string(user),
          .find_share = [this](std::string_view id) -> std::optional<DavShare> {
            if (id != share_.id) return std::nullopt;
            return DavShare{&share_, &catalog_};
          }};
}

Request DavFixture::request(std::string method, std::string_view url_path, Headers headers) const {
  Request request;
  request.method = std::move(method);
  request.path = fmt::format("/dav/sh%201/{}", url_path);
  request.headers = std::move(headers);
  request.headers.set("Host", "nas:8443");
  return request;
}

Answer DavFixture::send(const Request& request, std::string_view body, std::string_view user) {
  Request complete = request;
  complete.content_length = body.size();
  const auto exchange = make_dav_exchange(complete, context(user));
  if (auto refusal = exchange->refuse()) {
    Answer answer = read_answer(std::move(*refusal));
    answer.body_refused = true;
    return answer;
  }
  // In pieces, as a socket would give them.
  const auto bytes = std::as_bytes(std::span(body));
  const std::size_t piece = std::max<std::size_t>(1, bytes.size() / 3);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    if (!exchange->write(bytes.subspan(at, std::min(piece, bytes.size() - at)))) break;
  }
  return read_answer(exchange->finish());
}

Answer DavFixture::send(std::string method, std::string_view url_path, Headers headers,
                        std::string_view body) {
  return send(request(std::move(method), url_path, std::move(headers)), body);
}

void DavFixture::write_file(std::string_view path, std::string_view content) const {
  std::filesystem::create_directories(on_disk(path).parent_path());
  std::ofstream(on_disk(path), std::ios::binary) << content;
}

std::string DavFixture::read_file(std::string_view path) const {
  std::ifstream file(on_disk(path), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool DavFixture::exists(std::string_view path) const {
  return std::filesystem::exists(on_disk(path));
}

std::vector<std::string> DavFixture::names_in(std::string_view path) const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(on_disk(path))) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

std::string DavFixture::etag_of(std::string_view url_path) {
  return send("HEAD", url_path).header("ETag");
}

// Once for the tests of all files.
INSTANTIATE_TEST_SUITE_P(Profiles, AnyDav, ::testing::Values(Profile::full, Profile::stock),
                         [](const auto& chosen) { return chosen.param == Profile::full ? "full" : "stock"; });

}  // namespace refserver::dav

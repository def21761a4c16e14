// One WebDAV request with all it refers to, and the small questions that every method asks of it.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conditions.hpp"
#include "dav.hpp"
#include "if_header.hpp"

namespace refserver::dav {

struct Call {
  Request request;
  Profile profile = Profile::full;
  const Share* share = nullptr;
  Catalog* catalog = nullptr;
  DavState* state = nullptr;
  std::string user;
  std::string path;                   // a share path; "" is the root
  std::vector<IfList> if_lists;       // empty: no If header
  Catalog::Mutation* held = nullptr;  // the mutation of this call, while it lives (see Change)

  bool full() const { return profile == Profile::full; }
  bool names_collection() const { return request.path.ends_with('/'); }  // the URL, whatever is there
};

// A method: gets the whole (bounded) request body.
using Method = Response (*)(Call& call, const std::string& body);

// Holds the catalog's mutation: whatever the call looks at and changes meanwhile is one step for all others.
class Change {
 public:
  explicit Change(Call& call) : call_(call), mutation_(call.catalog->mutate()) {
    call_.held = mutation_.get();
  }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;
  ~Change() { end(); }

  Catalog::Mutation* operator->() { return mutation_.get(); }

  void end() {
    call_.held = nullptr;
    mutation_.reset();
  }

 private:
  Call& call_;
  std::unique_ptr<Catalog::Mutation> mutation_;
};

// A file or directory as it was looked at.
struct Resource {
  std::string path;
  struct stat status{};

  bool is_directory() const { return S_ISDIR(status.st_mode); }
  bool is_file() const { return S_ISREG(status.st_mode); }
};

// --- Looking
// -------------------------------------------------------------------------------------------------

// What WebDAV shows at `path`: regular files and directories. errno otherwise (ENOENT for devices, sockets,
// symlinks in full, and the server's own temporary files).
OrErrno<Resource> look(const Call& call, std::string_view path);

// Whether the contents may be read. Root may read anything, so the stock profile goes by the permission bits,
// as a server that runs under an account of its own would.
bool is_readable(const Call& call, const struct stat& status);

std::string quoted_etag(const Call& call, const Resource& resource);
Validators validators_of(const Call& call, const OrErrno<Resource>& resource);
ConditionHeaders conditions_of(const Request& request);

// --- Naming
// --------------------------------------------------------------------------------------------------

std::string href(const Call& call, std::string_view path, bool is_directory);
std::string lock_key(const Call& call, std::string_view path);
std::string href_of_lock_key(const Call& call, std::string_view key);

// The share path of an absolute URL or path that a header holds, if it lies in this share. In `error`, the
// status to answer otherwise: 400 for nonsense, 502 for what another server or share has.
std::optional<std::string> path_of_reference(const Call& call, std::string_view reference, int& error);

// --- Answering
// -----------------------------------------------------------------------------------------------

Response answer(int status, Headers headers = {});
Response answer_xml(int status, std::string body, Headers headers = {});
// The error body of RFC 4918, 16; `condition` is inner XML such as "<D:no-external-entities/>".
Response answer_condition(int status, std::string_view condition);
Response answer_error(const Call& call, int error_number);
int status_of_errno(const Call& call, int error_number);

// "HTTP/1.1 403 Forbidden": how a multistatus names the status of one row or property.
std::string status_line(int status);

// Adds X-Sync-Seq when there is a journal.
void add_sequence(Response& response, std::uint64_t sequence);

// --- Permission to change
// ------------------------------------------------------------------------------------

// 403 on a read-only share, 412 when the If header does not hold, 423 when a lock stands in the way.
std::optional<Response> refuse_change(const Call& call, const std::vector<Touch>& touches);

// 412 unless If-Match and its relatives hold for `resource`. Stock takes no notice of them.
std::optional<Response> refuse_by_conditions(const Call& call, const OrErrno<Resource>& resource);

// The directory that holds `path`, to be made durable after the change: opened while the change is held, so
// that a rename of that directory meanwhile does no harm. Stock makes nothing durable and opens nothing.
OrErrno<UniqueFd> hold_parent(const Call& call, std::string_view path);
// errno or 0.
int sync_directory(const Call& call, const OrErrno<UniqueFd>& directory);

// "1700000000" or "1700000000.5" as a time; nullopt for anything else.
std::optional<struct timespec> parse_unix_time(std::string_view text);

}  // namespace refserver::dav

// The WebDAV part of the wire, the same for NithronOS and for plain servers.
#pragma once

#include <memory>
#include <string>

#include "nithronfs/remote/remote.hpp"
#include "remote/session.hpp"

namespace nithronfs::remote {

// Where in the tree of a server: `root` is the decoded path of a share's collection ("/dav/photos", "" for
// the server's root; no trailing slash), `path` lies below it, as in Remote.
struct DavPlace {
  std::string root;
  std::string path;
  [[nodiscard]] std::string full() const { return path.empty() ? root : root + "/" + path; }
};

// Semantics and errors as in Remote.
[[nodiscard]] Task<Result<Entry>> dav_stat(std::shared_ptr<Session> session, DavPlace place,
                                           CallOptions options);
[[nodiscard]] Task<Result<Entry>> dav_list(std::shared_ptr<Session> session, DavPlace place,
                                           std::shared_ptr<ListingReceiver> receiver, CallOptions options);
[[nodiscard]] Task<Result<void>> dav_read(std::shared_ptr<Session> session, DavPlace place, Version version,
                                          ByteRange range, std::shared_ptr<BytesReceiver> receiver,
                                          CallOptions options);
[[nodiscard]] Task<Result<Space>> dav_space(std::shared_ptr<Session> session, DavPlace place,
                                            CallOptions options);

}  // namespace nithronfs::remote

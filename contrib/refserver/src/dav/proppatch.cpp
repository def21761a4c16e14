// PROPPATCH: full keeps what clients invent; stock keeps nothing, and says so.
#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "methods.hpp"
#include "properties.hpp"

namespace refserver::dav {
namespace {

std::string propstat(const std::vector<XmlName>& names, int status, std::string_view condition) {
  if (names.empty()) return {};
  std::string out = "<D:propstat><D:prop>";
  for (const XmlName& name : names) out += fmt::format("<{} xmlns=\"{}\"/>", name.local, xml_escape(name.ns));
  out += fmt::format("</D:prop><D:status>{}</D:status>{}</D:propstat>", status_line(status), condition);
  return out;
}

Response multistatus(const Call& call, const Resource& resource, const std::string& propstats) {
  return answer_xml(207, fmt::format("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
                                     "<D:multistatus xmlns:D=\"DAV:\"><D:response><D:href>{}</D:href>{}"
                                     "</D:response></D:multistatus>\n",
                                     href(call, resource.path, resource.is_directory()), propstats));
}

}  // namespace

Response proppatch(Call& call, const std::string& body) {
  const auto updates = parse_proppatch(body);
  if (!updates) return answer(400);
  // The properties go by path: held, so that no rename comes between looking and storing.
  const Change change(call);
  const auto resource = look(call, call.path);
  if (!resource) return answer_error(call, resource.error());
  if (auto refusal = refuse_change(call, {{.key = lock_key(call, call.path)}})) return std::move(*refusal);
  if (auto refusal = refuse_by_conditions(call, resource)) return std::move(*refusal);

  std::vector<XmlName> forbidden;
  std::vector<XmlName> others;
  for (const PropertyUpdate& update : *updates) {
    const bool refused = !call.full() || is_live_property(update.name);
    auto& names = refused ? forbidden : others;
    if (std::ranges::find(names, update.name) == names.end()) names.push_back(update.name);
  }
  if (!forbidden.empty()) {  // all or nothing (RFC 4918, 9.2)
    return multistatus(call, *resource,
                       propstat(forbidden, 403, "<D:error><D:cannot-modify-protected-property/></D:error>") +
                           propstat(others, 424, ""));
  }
  const bool stored = call.state->dead_properties.update(call.share->id, call.path, *updates);
  return multistatus(call, *resource, propstat(others, stored ? 200 : 507, ""));
}

}  // namespace refserver::dav

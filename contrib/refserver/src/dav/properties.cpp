// The table of live properties and the rows of a multistatus.
#include "properties.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

#include "media_type.hpp"

namespace refserver::dav {
namespace {

using Value = std::optional<std::string>;  // inner XML; none where the resource does not have the property

Value resource_type(const Call&, const Resource& resource) {
  return resource.is_directory() ? "<D:collection/>" : "";
}

Value content_length(const Call&, const Resource& resource) {
  if (!resource.is_file()) return std::nullopt;
  return std::to_string(resource.status.st_size);
}

Value last_modified(const Call&, const Resource& resource) {
  return http_date(resource.status.st_mtim.tv_sec);
}

Value etag(const Call& call, const Resource& resource) {
  if (!resource.is_file()) return std::nullopt;
  return xml_escape(quoted_etag(call, resource));
}

Value content_type(const Call&, const Resource& resource) {
  if (!resource.is_file()) return std::nullopt;
  return std::string(media_type_of(name_of(resource.path)));
}

// Where the file system keeps no birth time, the property is not there.
Value creation_date(const Call& call, const Resource& resource) {
  const auto fd = open_beneath(*call.share, resource.path, O_PATH | O_CLOEXEC);
  struct statx extended{};
  if (!fd || ::statx(fd->get(), "", AT_EMPTY_PATH, STATX_BTIME, &extended) != 0) return std::nullopt;
  if ((extended.stx_mask & STATX_BTIME) == 0) return std::nullopt;
  return iso_date(extended.stx_btime.tv_sec);
}

// Names with characters that XML cannot hold are told by the href alone, which is exact for every name.
Value display_name(const Call& call, const Resource& resource) {
  const std::string_view name =
      resource.path.empty() ? std::string_view(call.share->name) : name_of(resource.path);
  const bool has_control =
      std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (has_control) return std::nullopt;
  return xml_escape(name);
}

Value supported_lock(const Call& call, const Resource&) {
  std::string entries =
      "<D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></"
      "D:lockentry>";
  if (call.full()) {
    entries +=
        "<D:lockentry><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></"
        "D:lockentry>";
  }
  return entries;
}

Value lock_discovery(const Call& call, const Resource& resource) {
  return active_locks(call, resource.path);
}

Value quota(const Call& call, const Resource& resource, bool available) {
  struct statvfs space{};
  if (!resource.is_directory() || ::fstatvfs(call.share->root_fd.get(), &space) != 0) return std::nullopt;
  const std::uint64_t blocks = available ? space.f_bavail : space.f_blocks - space.f_bfree;
  return std::to_string(blocks * space.f_frsize);
}

Value quota_available(const Call& call, const Resource& resource) {
  return quota(call, resource, true);
}
Value quota_used(const Call& call, const Resource& resource) {
  return quota(call, resource, false);
}

Value exact_mtime(const Call& call, const Resource& resource) {
  if (!call.full()) return std::nullopt;
  return fmt::format("{}.{:09}", resource.status.st_mtim.tv_sec, resource.status.st_mtim.tv_nsec);
}

struct LiveProperty {
  char prefix;  // D: or N:, declared on the multistatus
  std::string_view name;
  Value (*value)(const Call&, const Resource&);
  bool in_allprop;  // RFC 4331 keeps quotas out; a lock list per row is for those who ask

  std::string_view ns() const { return prefix == 'D' ? dav_namespace : nithron_namespace; }
};

constexpr std::array live_properties{
    LiveProperty{'D', "resourcetype", &resource_type, true},
    LiveProperty{'D', "getcontentlength", &content_length, true},
    LiveProperty{'D', "getlastmodified", &last_modified, true},
    LiveProperty{'D', "getetag", &etag, true},
    LiveProperty{'D', "getcontenttype", &content_type, true},
    LiveProperty{'D', "creationdate", &creation_date, true},
    LiveProperty{'D', "displayname", &display_name, true},
    LiveProperty{'D', "supportedlock", &supported_lock, true},
    LiveProperty{'D', "lockdiscovery", &lock_discovery, true},
    LiveProperty{'D', "quota-available-bytes", &quota_available, false},
    LiveProperty{'D', "quota-used-bytes", &quota_used, false},
    LiveProperty{'N', "mtime", &exact_mtime, true},
};

std::optional<std::size_t> find_live(const XmlName& name) {
  for (std::size_t i = 0; i < live_properties.size(); ++i) {
    if (live_properties.at(i).name == name.local && live_properties.at(i).ns() == name.ns) return i;
  }
  return std::nullopt;
}

std::string empty_element(const XmlName& name) {
  return fmt::format("<{} xmlns=\"{}\"/>", name.local, xml_escape(name.ns));
}

void append_propstat(std::string& out, std::string_view properties, int status) {
  out += "<D:propstat><D:prop>";
  out += properties;
  out += "</D:prop><D:status>";
  out += status_line(status);
  out += "</D:status></D:propstat>";
}

}  // namespace

bool is_live_property(const XmlName& name) {
  return find_live(name).has_value();
}

std::string active_locks(const Call& call, std::string_view path) {
  std::string out;
  for (const Lock& lock : call.state->locks.covering(lock_key(call, path))) {
    out += fmt::format(
        "<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:{}/></D:lockscope>"
        "<D:depth>{}</D:depth>{}<D:timeout>Second-{}</D:timeout>"
        "<D:locktoken><D:href>{}</D:href></D:locktoken><D:lockroot><D:href>{}</D:href></D:lockroot>"
        "</D:activelock>",
        lock.exclusive ? "exclusive" : "shared", lock.infinite ? "infinity" : "0",
        lock.owner_xml.empty() ? "" : fmt::format("<D:owner>{}</D:owner>", lock.owner_xml),
        lock.timeout.count(), lock.token, href_of_lock_key(call, lock.root));
  }
  return out;
}

PropertyWriter::PropertyWriter(const Call& call, const PropfindQuery& query)
    : call_(call), kind_(query.kind), has_dead_(!call.state->dead_properties.none_in(call.share->id)) {
  if (kind_ != PropfindQuery::Kind::named) {
    for (std::size_t i = 0; i < live_properties.size(); ++i) {
      if (live_properties.at(i).in_allprop || kind_ == PropfindQuery::Kind::names_only) live_.push_back(i);
    }
  }
  for (const XmlName& name : query.names) {
    const auto index = find_live(name);
    if (!index) {
      if (kind_ == PropfindQuery::Kind::named) other_.push_back(name);
    } else if (std::ranges::find(live_, *index) == live_.end()) {
      live_.push_back(*index);
    }
  }
}

void PropertyWriter::append_response(std::string& out, const Resource& resource) const {
  out += "<D:response><D:href>";
  out += href(call_, resource.path, resource.is_directory());
  out += "</D:href>";
  std::string found;
  std::string missing;
  append_found(found, missing, resource);
  append_dead(found, missing, resource);
  if (!found.empty() || missing.empty()) append_propstat(out, found, 200);
  if (!missing.empty()) append_propstat(out, missing, 404);
  out += "</D:response>\n";
}

void PropertyWriter::append_refusal(std::string& out, const Resource& resource, int status) const {
  out += fmt::format("<D:response><D:href>{}</D:href><D:status>{}</D:status></D:response>\n",
                     href(call_, resource.path, resource.is_directory()), status_line(status));
}

void PropertyWriter::append_found(std::string& out, std::string& missing, const Resource& resource) const {
  for (const std::size_t index : live_) {
    const LiveProperty& property = live_properties.at(index);
    const auto value = property.value(call_, resource);
    if (value && kind_ != PropfindQuery::Kind::names_only && !value->empty()) {
      out += fmt::format("<{0}:{1}>{2}</{0}:{1}>", property.prefix, property.name, *value);
    } else if (value) {
      out += fmt::format("<{}:{}/>", property.prefix, property.name);
    } else if (kind_ == PropfindQuery::Kind::named) {
      missing += fmt::format("<{}:{}/>", property.prefix, property.name);
    }
  }
}

void PropertyWriter::append_dead(std::string& out, std::string& missing, const Resource& resource) const {
  std::vector<DeadProperty> stored;
  if (has_dead_) stored = call_.state->dead_properties.of(call_.share->id, resource.path);
  if (kind_ != PropfindQuery::Kind::named) {
    for (const DeadProperty& property : stored) {
      out += kind_ == PropfindQuery::Kind::names_only ? empty_element(property.name) : property.xml;
    }
    return;
  }
  for (const XmlName& name : other_) {
    const auto match = std::ranges::find(stored, name, &DeadProperty::name);
    if (match != stored.end()) {
      out += match->xml;
    } else {
      missing += empty_element(name);
    }
  }
}

}  // namespace refserver::dav

// The properties of a resource as PROPFIND shows them: those the server computes, and those clients stored.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "call.hpp"
#include "request_bodies.hpp"

namespace refserver::dav {

// Is this one of the properties that the server computes, and that no client can set?
bool is_live_property(const XmlName& name);

// The <D:activelock> elements of the locks that cover `path`.
std::string active_locks(const Call& call, std::string_view path);

// Writes the rows of one listing; made once, so that what is asked is looked up once and not per row.
class PropertyWriter {
 public:
  PropertyWriter(const Call& call, const PropfindQuery& query);

  // Appends one <D:response>.
  void append_response(std::string& out, const Resource& resource) const;

  // A row that says only that there is something that may not be seen.
  void append_refusal(std::string& out, const Resource& resource, int status) const;

 private:
  void append_found(std::string& out, std::string& missing, const Resource& resource) const;
  void append_dead(std::string& out, std::string& missing, const Resource& resource) const;

  Call call_;
  PropfindQuery::Kind kind_;
  std::vector<std::size_t> live_;  // indices into the table of live properties
  std::vector<XmlName> other_;     // asked by name and not live
  bool has_dead_ = false;          // this share has stored properties at all
};

}  // namespace refserver::dav

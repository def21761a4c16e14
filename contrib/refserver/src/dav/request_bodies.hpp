// The XML bodies that clients send: PROPFIND, PROPPATCH and LOCK, turned from text into what they ask for.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "xml.hpp"

namespace refserver::dav {

struct PropfindQuery {
  enum class Kind { all_properties, names_only, named };
  Kind kind = Kind::all_properties;
  std::vector<XmlName> names;  // for named what is asked, for all_properties what <include> adds
};

struct PropertyUpdate {
  XmlName name;
  bool remove = false;
  std::string xml;  // the whole property element, self-contained; empty when removing
};

struct LockRequestBody {
  bool exclusive = true;
  std::string owner_xml;  // the children of <owner>, self-contained
};

// An empty body means all properties (RFC 4918, 9.1).
std::expected<PropfindQuery, XmlError> parse_propfind(std::string_view body);

// Updates in document order: the order decides (RFC 4918, 9.2).
std::expected<std::vector<PropertyUpdate>, XmlError> parse_proppatch(std::string_view body);

std::expected<LockRequestBody, XmlError> parse_lockinfo(std::string_view body);

}  // namespace refserver::dav

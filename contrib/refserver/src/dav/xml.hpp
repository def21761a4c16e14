// A small, bounded XML tree for request bodies. What a hostile body could use against the server is refused
// while parsing: document types (and with them entities), deep nesting, many elements, large bodies.
#pragma once

#include <compare>
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace refserver::dav {

inline constexpr std::string_view dav_namespace = "DAV:";
inline constexpr std::string_view nithron_namespace = "https://nithron.com/ns/dav";

struct XmlName {
  std::string ns;  // empty: in no namespace
  std::string local;

  auto operator<=>(const XmlName&) const = default;
  bool is_dav(std::string_view wanted) const { return ns == dav_namespace && local == wanted; }
};

struct XmlAttribute {
  XmlName name;
  std::string value;
};

// An element, or a run of text (then `name.local` is empty).
struct XmlNode {
  XmlName name;
  std::string text;
  std::vector<XmlAttribute> attributes;
  std::vector<XmlNode> children;

  bool is_element() const { return !name.local.empty(); }
  const XmlNode* child(std::string_view dav_name) const;
};

struct XmlLimits {
  std::size_t bytes = 262'144;
  std::size_t depth = 32;
  std::size_t nodes = 8192;
};

enum class XmlError { malformed, forbidden, too_large };

std::expected<XmlNode, XmlError> parse_xml(std::string_view document, const XmlLimits& limits = {});

// Escapes text for element content and double-quoted attributes. Characters that XML 1.0 cannot hold at all
// (most controls) and bytes that are not UTF-8 become U+FFFD, so the result is always well-formed.
std::string xml_escape(std::string_view text);

// Writes a node so that it stands for itself anywhere: each element declares its own namespace.
std::string serialize(const XmlNode& node);

// The same for the children of a node only.
std::string serialize_children(const XmlNode& node);

}  // namespace refserver::dav

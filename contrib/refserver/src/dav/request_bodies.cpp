// Reads the three kinds of request bodies out of a bounded XML tree.
#include "request_bodies.hpp"

#include <optional>

namespace refserver::dav {
namespace {

// xml:lang may stand on any ancestor; a stored property has to carry the one in force (RFC 4918, 4.3).
std::optional<std::string> language_of(const XmlNode& node) {
  for (const auto& [name, value] : node.attributes) {
    if (name.local == "lang" && name.ns == "http://www.w3.org/XML/1998/namespace") return value;
  }
  return std::nullopt;
}

void inherit_language(XmlNode& node, const std::optional<std::string>& language) {
  if (!language || language_of(node)) return;
  node.attributes.push_back({{"http://www.w3.org/XML/1998/namespace", "lang"}, *language});
}

std::vector<XmlName> child_names(const XmlNode& node) {
  std::vector<XmlName> names;
  for (const XmlNode& child : node.children) {
    if (child.is_element()) names.push_back(child.name);
  }
  return names;
}

void append_updates(std::vector<PropertyUpdate>& updates, const XmlNode& action,
                    const std::optional<std::string>& outer_language) {
  const bool remove = action.name.local == "remove";
  const XmlNode* prop = action.child("prop");
  if (prop == nullptr) return;
  auto language = language_of(*prop);
  if (!language) language = language_of(action);
  if (!language) language = outer_language;
  for (XmlNode property : prop->children) {
    if (!property.is_element()) continue;
    inherit_language(property, language);
    updates.push_back({property.name, remove, remove ? std::string{} : serialize(property)});
  }
}

}  // namespace

std::expected<PropfindQuery, XmlError> parse_propfind(std::string_view body) {
  if (body.empty()) return PropfindQuery{};
  const auto root = parse_xml(body);
  if (!root) return std::unexpected(root.error());
  if (!root->name.is_dav("propfind")) return std::unexpected(XmlError::malformed);

  PropfindQuery query;
  if (const XmlNode* prop = root->child("prop")) {
    query.kind = PropfindQuery::Kind::named;
    query.names = child_names(*prop);
  } else if (root->child("propname") != nullptr) {
    query.kind = PropfindQuery::Kind::names_only;
  } else if (root->child("allprop") != nullptr) {
    if (const XmlNode* include = root->child("include")) query.names = child_names(*include);
  } else {
    return std::unexpected(XmlError::malformed);
  }
  return query;
}

std::expected<std::vector<PropertyUpdate>, XmlError> parse_proppatch(std::string_view body) {
  const auto root = parse_xml(body);
  if (!root) return std::unexpected(root.error());
  if (!root->name.is_dav("propertyupdate")) return std::unexpected(XmlError::malformed);

  std::vector<PropertyUpdate> updates;
  for (const XmlNode& action : root->children) {
    if (action.name.is_dav("set") || action.name.is_dav("remove")) {
      append_updates(updates, action, language_of(*root));
    }
  }
  if (updates.empty()) return std::unexpected(XmlError::malformed);
  return updates;
}

std::expected<LockRequestBody, XmlError> parse_lockinfo(std::string_view body) {
  const auto root = parse_xml(body);
  if (!root) return std::unexpected(root.error());
  const XmlNode* scope = root->child("lockscope");
  const XmlNode* type = root->child("locktype");
  if (!root->name.is_dav("lockinfo") || scope == nullptr || type == nullptr ||
      type->child("write") == nullptr) {
    return std::unexpected(XmlError::malformed);
  }
  const bool shared = scope->child("shared") != nullptr;
  if (!shared && scope->child("exclusive") == nullptr) return std::unexpected(XmlError::malformed);

  const XmlNode* owner = root->child("owner");
  return LockRequestBody{.exclusive = !shared, .owner_xml = owner ? serialize_children(*owner) : ""};
}

}  // namespace refserver::dav

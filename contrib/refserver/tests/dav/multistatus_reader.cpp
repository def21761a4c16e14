// The reader that tests use for 207 answers.
#include "multistatus_reader.hpp"

#include <gtest/gtest.h>

namespace refserver::dav {
namespace {

std::string text_of(const XmlNode* node) {
  std::string text;
  if (node != nullptr) {
    for (const XmlNode& child : node->children) text += child.text;
  }
  return text;
}

int status_of(const XmlNode* node) {
  const std::string line = text_of(node);
  return line.size() < 12 ? 0 : std::stoi(line.substr(9, 3));
}

void read_propstat(Row& row, const XmlNode& propstat) {
  const int status = status_of(propstat.child("status"));
  const XmlNode* prop = propstat.child("prop");
  ASSERT_NE(prop, nullptr);
  for (const XmlNode& property : prop->children) {
    if (!property.is_element()) continue;
    if (status == 200) {
      row.found[property.name] = serialize_children(property);
    } else {
      row.others[property.name] = status;
    }
  }
}

}  // namespace

std::string Row::dav(std::string_view name) const {
  const auto property = found.find(XmlName{std::string(dav_namespace), std::string(name)});
  return property == found.end() ? "(none)" : property->second;
}

bool Row::is_collection() const {
  return dav("resourcetype").find("collection") != std::string::npos;
}

std::map<std::string, Row> read_multistatus(const std::string& body) {
  std::map<std::string, Row> rows;
  const auto root = parse_xml(body, {.bytes = 1U << 30, .depth = 32, .nodes = 100'000'000});
  EXPECT_TRUE(root.has_value()) << body.substr(0, 2000);
  if (!root) return rows;
  EXPECT_TRUE(root->name.is_dav("multistatus"));
  for (const XmlNode& response : root->children) {
    if (!response.name.is_dav("response")) continue;
    Row row{.status = status_of(response.child("status"))};
    for (const XmlNode& child : response.children) {
      if (child.name.is_dav("propstat")) read_propstat(row, child);
    }
    const bool added = rows.emplace(text_of(response.child("href")), std::move(row)).second;
    EXPECT_TRUE(added) << "listed twice: " << text_of(response.child("href"));
  }
  return rows;
}

}  // namespace refserver::dav

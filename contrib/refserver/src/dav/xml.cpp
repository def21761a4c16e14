// Bounded XML parsing over expat, and the way back to text.
#include "xml.hpp"

#include <expat.h>
#include <fmt/core.h>

#include <memory>
#include <optional>

#include "names.hpp"

namespace refserver::dav {
namespace {

constexpr char separator = '\n';  // cannot occur in a namespace name: expat refuses it there
constexpr std::string_view xml_namespace = "http://www.w3.org/XML/1998/namespace";

XmlName split_name(std::string_view expat_name) {
  const std::size_t cut = expat_name.rfind(separator);
  if (cut == expat_name.npos) return {"", std::string(expat_name)};
  return {std::string(expat_name.substr(0, cut)), std::string(expat_name.substr(cut + 1))};
}

// Collects what expat reports. Open elements are kept on a stack by value and moved into their parent when
// they close, so no pointer into a growing vector is ever held.
class TreeBuilder {
 public:
  TreeBuilder(XML_Parser parser, const XmlLimits& limits) : parser_(parser), limits_(limits) {
    XML_SetUserData(parser, this);
    XML_SetElementHandler(parser, &on_start, &on_end);
    XML_SetCharacterDataHandler(parser, &on_text);
    XML_SetStartDoctypeDeclHandler(parser, &on_doctype);
  }

  std::optional<XmlError> failure() const { return failure_; }
  XmlNode take_root() { return std::move(root_); }

 private:
  static TreeBuilder& self(void* data) { return *static_cast<TreeBuilder*>(data); }

  static void on_start(void* data, const XML_Char* name, const XML_Char** attributes) {
    self(data).open(name, attributes);
  }
  static void on_end(void* data, const XML_Char*) { self(data).close(); }
  static void on_text(void* data, const XML_Char* text, int length) {
    self(data).append({text, static_cast<std::size_t>(length)});
  }
  static void on_doctype(void* data, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    self(data).stop(XmlError::forbidden);
  }

  void open(const XML_Char* name, const XML_Char** attributes) {
    if (!count_node() || open_.size() >= limits_.depth) return stop(XmlError::too_large);
    XmlNode node;
    node.name = split_name(name);
    for (; attributes[0] != nullptr; attributes += 2) {
      if (!count_node()) return stop(XmlError::too_large);
      node.attributes.push_back({split_name(attributes[0]), attributes[1]});
    }
    open_.push_back(std::move(node));
  }

  void close() {
    if (failure_) return;
    XmlNode node = std::move(open_.back());
    open_.pop_back();
    (open_.empty() ? root_ : open_.back().children.emplace_back()) = std::move(node);
  }

  void append(std::string_view text) {
    if (failure_ || open_.empty()) return;
    auto& siblings = open_.back().children;
    if (siblings.empty() || siblings.back().is_element()) {
      if (!count_node()) return stop(XmlError::too_large);
      siblings.emplace_back();
    }
    siblings.back().text += text;
  }

  bool count_node() { return ++nodes_ <= limits_.nodes; }

  void stop(XmlError reason) {
    failure_ = reason;
    XML_StopParser(parser_, XML_FALSE);
  }

  XML_Parser parser_;
  XmlLimits limits_;
  std::vector<XmlNode> open_;
  XmlNode root_;
  std::size_t nodes_ = 0;
  std::optional<XmlError> failure_;
};

// Is this UTF-8 sequence a character that XML 1.0 allows? (Surrogates are not valid UTF-8 to begin with.)
bool is_xml_character(std::string_view sequence) {
  if (sequence.size() == 1) {
    const char c = sequence[0];
    return c == '\t' || c == '\n' || c == '\r' || static_cast<unsigned char>(c) >= 0x20;
  }
  return sequence != "\xEF\xBF\xBE" && sequence != "\xEF\xBF\xBF";
}

// The longest prefix of up to four bytes that is exactly one UTF-8 character; empty when there is none.
std::string_view first_character(std::string_view text) {
  for (std::size_t length = 1; length <= 4 && length <= text.size(); ++length) {
    if (is_valid_utf8(text.substr(0, length))) return text.substr(0, length);
  }
  return {};
}

void append_escaped(std::string& out, std::string_view character) {
  switch (character[0]) {
    case '&':
      out += "&amp;";
      return;
    case '<':
      out += "&lt;";
      return;
    case '>':
      out += "&gt;";
      return;
    case '"':
      out += "&quot;";
      return;
    case '\r':
      out += "&#13;";
      return;  // a literal one would be read back as a line feed
    default:
      out += character;
  }
}

std::string serialize_attributes(const XmlNode& node) {
  std::string out;
  std::size_t prefixes = 0;
  for (const auto& [name, value] : node.attributes) {
    if (name.ns.empty()) {
      out += fmt::format(" {}=\"{}\"", name.local, xml_escape(value));
    } else if (name.ns == xml_namespace) {
      out += fmt::format(" xml:{}=\"{}\"", name.local, xml_escape(value));
    } else {
      out += fmt::format(" xmlns:a{0}=\"{1}\" a{0}:{2}=\"{3}\"", prefixes, xml_escape(name.ns), name.local,
                         xml_escape(value));
      ++prefixes;
    }
  }
  return out;
}

}  // namespace

const XmlNode* XmlNode::child(std::string_view dav_name) const {
  for (const XmlNode& node : children) {
    if (node.name.is_dav(dav_name)) return &node;
  }
  return nullptr;
}

std::expected<XmlNode, XmlError> parse_xml(std::string_view document, const XmlLimits& limits) {
  if (document.size() > limits.bytes) return std::unexpected(XmlError::too_large);
  const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(
      XML_ParserCreateNS(nullptr, separator), &XML_ParserFree);
  if (!parser) return std::unexpected(XmlError::too_large);
  TreeBuilder builder(parser.get(), limits);
  const auto status = XML_Parse(parser.get(), document.data(), static_cast<int>(document.size()), XML_TRUE);
  if (builder.failure()) return std::unexpected(*builder.failure());
  if (status != XML_STATUS_OK) return std::unexpected(XmlError::malformed);
  return builder.take_root();
}

std::string xml_escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const std::string_view character = first_character(text);
    if (character.empty() || !is_xml_character(character)) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(character.empty() ? 1 : character.size());
      continue;
    }
    append_escaped(out, character);
    text.remove_prefix(character.size());
  }
  return out;
}

std::string serialize(const XmlNode& node) {
  if (!node.is_element()) return xml_escape(node.text);
  const std::string head = fmt::format("<{} xmlns=\"{}\"{}", node.name.local, xml_escape(node.name.ns),
                                       serialize_attributes(node));
  if (node.children.empty()) return head + "/>";
  return fmt::format("{}>{}</{}>", head, serialize_children(node), node.name.local);
}

std::string serialize_children(const XmlNode& node) {
  std::string out;
  for (const XmlNode& child : node.children) out += serialize(child);
  return out;
}

}  // namespace refserver::dav

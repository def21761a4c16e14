// Request bodies and their XML: what is understood, and what is refused.
#include "../../src/dav/xml.hpp"

#include <gtest/gtest.h>

#include <string>

#include "../../src/dav/request_bodies.hpp"

namespace refserver::dav {
namespace {

std::string repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Xml, ResolvesNamespaces) {
  const auto root = parse_xml("<a:x xmlns:a='urn:one'><y xmlns='urn:two' k='v'>text</y></a:x>");
  ASSERT_TRUE(root.has_value());
  EXPECT_EQ(root->name, (XmlName{"urn:one", "x"}));
  ASSERT_EQ(root->children.size(), 1U);
  EXPECT_EQ(root->children[0].name, (XmlName{"urn:two", "y"}));
  EXPECT_EQ(root->children[0].attributes.at(0).value, "v");
  EXPECT_EQ(root->children[0].children.at(0).text, "text");
}

TEST(Xml, RefusesMalformedText) {
  for (const char* text :
       {"", "<a>", "<a></b>", "<a/><b/>", "<p:a/>", "<a xmlns:p=''/>", "plain", "<a>&nosuch;</a>"}) {
    const auto root = parse_xml(text);
    ASSERT_FALSE(root.has_value()) << text;
    EXPECT_EQ(root.error(), XmlError::malformed) << text;
  }
}

TEST(Xml, RefusesDocumentTypesAndSoEntities) {
  const auto laughs = parse_xml("<!DOCTYPE a [<!ENTITY l 'lol'><!ENTITY m '&l;&l;&l;'>]><a>&m;</a>");
  ASSERT_FALSE(laughs.has_value());
  EXPECT_EQ(laughs.error(), XmlError::forbidden);
  const auto file = parse_xml("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>");
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error(), XmlError::forbidden);
}

TEST(Xml, BoundsDepthNodesAndBytes) {
  const XmlLimits limits{.bytes = 4096, .depth = 8, .nodes = 50};
  EXPECT_TRUE(parse_xml(repeat("<a>", 8) + repeat("</a>", 8), limits).has_value());
  EXPECT_EQ(parse_xml(repeat("<a>", 9) + repeat("</a>", 9), limits).error(), XmlError::too_large);
  EXPECT_EQ(parse_xml("<r>" + repeat("<a/>", 50) + "</r>", limits).error(), XmlError::too_large);
  EXPECT_EQ(parse_xml("<r " + repeat("aaaaaaaaaa", 500) + "='1'/>", limits).error(), XmlError::too_large);
}

TEST(Xml, AttributesCountAsNodes) {
  std::string element = "<r";
  for (int i = 0; i < 60; ++i) element += " a" + std::to_string(i) + "=''";
  EXPECT_EQ(parse_xml(element + "/>", {.bytes = 4096, .depth = 8, .nodes = 50}).error(), XmlError::too_large);
}

TEST(Xml, EscapesWhatXmlCannotHold) {
  EXPECT_EQ(xml_escape("a<b>&\"c\""), "a&lt;b&gt;&amp;&quot;c&quot;");
  EXPECT_EQ(xml_escape("tab\tline\n"), "tab\tline\n");
  EXPECT_EQ(xml_escape("\r"), "&#13;");
  EXPECT_EQ(xml_escape("bell\x07"), "bell\xEF\xBF\xBD");
  EXPECT_EQ(xml_escape("\xC3\xA9\xF0\x9F\x98\x80"), "\xC3\xA9\xF0\x9F\x98\x80");
  EXPECT_EQ(xml_escape("\xC3"), "\xEF\xBF\xBD");
  EXPECT_EQ(xml_escape("\xEF\xBF\xBF"), "\xEF\xBF\xBD");
}

TEST(Xml, SerializedElementsStandForThemselves) {
  const auto root = parse_xml(
      "<p:a xmlns:p='urn:one' xmlns:q='urn:q' q:k='1&lt;2' xml:lang='de'>x<b/><c "
      "xmlns='urn:c'>&amp;</c></p:a>");
  ASSERT_TRUE(root.has_value());
  const std::string text = serialize(*root);
  const auto again = parse_xml("<outer xmlns='urn:other'>" + text + "</outer>");
  ASSERT_TRUE(again.has_value()) << text;
  const XmlNode& copy = again->children.at(0);
  EXPECT_EQ(copy.name, (XmlName{"urn:one", "a"}));
  EXPECT_EQ(copy.children.at(1).name, (XmlName{"", "b"}));
  EXPECT_EQ(copy.children.at(2).name, (XmlName{"urn:c", "c"}));
  EXPECT_EQ(serialize(copy), text);
}

TEST(Propfind, EmptyBodyAsksForAll) {
  const auto query = parse_propfind("");
  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(query->kind, PropfindQuery::Kind::all_properties);
}

TEST(Propfind, ReadsTheThreeKinds) {
  const auto named =
      parse_propfind("<propfind xmlns='DAV:'><prop><getetag/><x xmlns='urn:x'/></prop></propfind>");
  ASSERT_TRUE(named.has_value());
  EXPECT_EQ(named->kind, PropfindQuery::Kind::named);
  EXPECT_EQ(named->names, (std::vector<XmlName>{{"DAV:", "getetag"}, {"urn:x", "x"}}));

  const auto names = parse_propfind("<propfind xmlns='DAV:'><propname/></propfind>");
  ASSERT_TRUE(names.has_value());
  EXPECT_EQ(names->kind, PropfindQuery::Kind::names_only);

  const auto all =
      parse_propfind("<propfind xmlns='DAV:'><allprop/><include><quota-used-bytes/></include></propfind>");
  ASSERT_TRUE(all.has_value());
  EXPECT_EQ(all->kind, PropfindQuery::Kind::all_properties);
  EXPECT_EQ(all->names, (std::vector<XmlName>{{"DAV:", "quota-used-bytes"}}));
}

TEST(Propfind, RefusesOtherDocuments) {
  EXPECT_FALSE(parse_propfind("<propfind xmlns='urn:not-dav'><allprop/></propfind>").has_value());
  EXPECT_FALSE(parse_propfind("<propfind xmlns='DAV:'/>").has_value());
  EXPECT_FALSE(parse_propfind("<html/>").has_value());
}

TEST(Proppatch, KeepsTheOrderOfUpdatesAndTheLanguage) {
  const auto updates = parse_proppatch(
      "<propertyupdate xmlns='DAV:' xml:lang='de'><set><prop><a xmlns='urn:x'>1</a></prop></set>"
      "<remove><prop><a xmlns='urn:x'/></prop></remove></propertyupdate>");
  ASSERT_TRUE(updates.has_value());
  ASSERT_EQ(updates->size(), 2U);
  EXPECT_FALSE(updates->at(0).remove);
  EXPECT_EQ(updates->at(0).xml, "<a xmlns=\"urn:x\" xml:lang=\"de\">1</a>");
  EXPECT_TRUE(updates->at(1).remove);
}

TEST(Proppatch, RefusesABodyWithoutUpdates) {
  EXPECT_FALSE(parse_proppatch("").has_value());
  EXPECT_FALSE(parse_proppatch("<propertyupdate xmlns='DAV:'/>").has_value());
}

TEST(Lockinfo, ReadsScopeAndOwner) {
  const auto info = parse_lockinfo(
      "<lockinfo xmlns='DAV:'><lockscope><shared/></lockscope><locktype><write/></locktype>"
      "<owner><href>mailto:a@b</href></owner></lockinfo>");
  ASSERT_TRUE(info.has_value());
  EXPECT_FALSE(info->exclusive);
  EXPECT_EQ(info->owner_xml, "<href xmlns=\"DAV:\">mailto:a@b</href>");
}

TEST(Lockinfo, RefusesLocksOfUnknownScopeOrType) {
  EXPECT_FALSE(parse_lockinfo("<lockinfo xmlns='DAV:'><lockscope/><locktype><write/></locktype></lockinfo>"));
  EXPECT_FALSE(
      parse_lockinfo("<lockinfo xmlns='DAV:'><lockscope><exclusive/></lockscope><locktype/></lockinfo>"));
}

}  // namespace
}  // namespace refserver::dav

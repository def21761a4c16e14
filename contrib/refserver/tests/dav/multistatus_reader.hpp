// Reads a multistatus back, so that tests check what a client would understand rather than how it is written.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "../../src/dav/xml.hpp"

namespace refserver::dav {

struct Row {
  int status = 0;                        // of the whole response; 0 when it has propstats
  std::map<XmlName, std::string> found;  // properties with 200: their inner XML, serialized
  std::map<XmlName, int> others;         // properties with another status

  std::string dav(std::string_view name) const;  // of a found property; "(none)" when there is none
  bool is_collection() const;
};

// By href, as sent. Fails the test when the body is no multistatus or names a resource twice.
std::map<std::string, Row> read_multistatus(const std::string& body);

}  // namespace refserver::dav

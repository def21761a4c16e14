// The If header of RFC 4918, 10.4: lists of conditions on lock tokens and entity tags.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace refserver::dav {

struct IfCondition {
  bool negated = false;
  bool is_etag = false;
  std::string value;  // a state token without <>, or an entity tag with its quotes
};

struct IfList {
  std::string resource;  // the URL of its Resource-Tag; empty: the resource of the request
  std::vector<IfCondition> conditions;
};

// What a resource is like now, to hold the conditions against.
struct IfState {
  std::string etag;                 // quoted; empty for none
  std::vector<std::string> tokens;  // of the locks that cover it
};

// nullopt when the header does not follow the grammar.
std::optional<std::vector<IfList>> parse_if_header(std::string_view header);

// True when at least one list holds. `state_of` gets the resource of a list, as it stands in the header.
bool holds(const std::vector<IfList>& lists, const std::function<IfState(const std::string&)>& state_of);

// All tokens that are mentioned and not negated: what the client has submitted (RFC 4918, 7.5).
std::vector<std::string> submitted_tokens(const std::vector<IfList>& lists);

}  // namespace refserver::dav

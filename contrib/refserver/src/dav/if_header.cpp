// A hand-written reader for the If header; its grammar is small and its tokens may hold any character.
#include "if_header.hpp"

#include <algorithm>

namespace refserver::dav {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool at_end() {
    skip_space();
    return rest_.empty();
  }

  bool at(char wanted) {
    skip_space();
    return rest_.starts_with(wanted);
  }

  bool take(std::string_view word) {
    skip_space();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  // The text up to `close`, which is consumed; nullopt when it never comes.
  std::optional<std::string> take_until(char close) {
    const std::size_t end = rest_.find(close);
    if (end == rest_.npos) return std::nullopt;
    std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return text;
  }

 private:
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }

  std::string_view rest_;
};

// "[" entity-tag "]": the tag is quoted, so a ']' inside it does not end it.
std::optional<std::string> read_etag(Reader& reader) {
  std::string tag = reader.take("W/") ? "W/\"" : "\"";
  if (!reader.take("\"")) return std::nullopt;
  const auto opaque = reader.take_until('"');
  if (!opaque || !reader.take("]")) return std::nullopt;
  return tag + *opaque + '"';
}

std::optional<IfCondition> read_condition(Reader& reader) {
  IfCondition condition;
  condition.negated = reader.take("Not");
  std::optional<std::string> value;
  if (reader.take("<")) {
    value = reader.take_until('>');
  } else if (reader.take("[")) {
    condition.is_etag = true;
    value = read_etag(reader);
  }
  if (!value || value->empty()) return std::nullopt;
  condition.value = std::move(*value);
  return condition;
}

std::optional<IfList> read_list(Reader& reader, const std::string& resource) {
  if (!reader.take("(")) return std::nullopt;
  IfList list{.resource = resource, .conditions = {}};
  while (!reader.take(")")) {
    auto condition = read_condition(reader);
    if (!condition) return std::nullopt;
    list.conditions.push_back(std::move(*condition));
  }
  if (list.conditions.empty()) return std::nullopt;
  return list;
}

bool holds(const IfCondition& condition, const IfState& state) {
  const bool found = condition.is_etag
                         ? !state.etag.empty() && condition.value == state.etag
                         : std::ranges::find(state.tokens, condition.value) != state.tokens.end();
  return found != condition.negated;
}

}  // namespace

std::optional<std::vector<IfList>> parse_if_header(std::string_view header) {
  Reader reader(header);
  std::vector<IfList> lists;
  const bool tagged = reader.at('<');
  std::string resource;
  while (!reader.at_end()) {
    if (tagged && reader.take("<")) {
      auto tag = reader.take_until('>');
      if (!tag || tag->empty() || !reader.at('(')) return std::nullopt;
      resource = std::move(*tag);
    }
    auto list = read_list(reader, resource);
    if (!list) return std::nullopt;
    lists.push_back(std::move(*list));
  }
  if (lists.empty()) return std::nullopt;
  return lists;
}

bool holds(const std::vector<IfList>& lists, const std::function<IfState(const std::string&)>& state_of) {
  return std::ranges::any_of(lists, [&](const IfList& list) {
    const IfState state = state_of(list.resource);
    return std::ranges::all_of(list.conditions,
                               [&](const IfCondition& condition) { return holds(condition, state); });
  });
}

std::vector<std::string> submitted_tokens(const std::vector<IfList>& lists) {
  std::vector<std::string> tokens;
  for (const IfList& list : lists) {
    for (const IfCondition& condition : list.conditions) {
      if (!condition.is_etag && !condition.negated) tokens.push_back(condition.value);
    }
  }
  return tokens;
}

}  // namespace refserver::dav

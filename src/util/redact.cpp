// Takes secrets out of text before it reaches any log (invariant 9).
//
// By shape, not by knowledge: whoever writes a log line may not know that a server's message quotes a token.
#include <array>
#include <cctype>

#include "nithronfs/util/log.hpp"

namespace nithronfs {
namespace {

constexpr std::string_view mask = "[redacted]";

struct Marker {
  std::string_view text;  // lower case
  bool keep;              // the marker itself stays, what follows goes
  std::string_view ends;  // the secret lasts up to one of these, or the end of the text
};

constexpr std::array markers = {
    Marker{"nos_dt_", false, " \t\r\n\"',;&<>)}]"},
    Marker{"nos_rt_", false, " \t\r\n\"',;&<>)}]"},
    Marker{"nos_st_", false, " \t\r\n\"',;&<>)}]"},
    Marker{"nos_session=", true, " \t\r\n\"',;&"},
    Marker{"nos_csrf=", true, " \t\r\n\"',;&"},
    Marker{"bearer ", true, " \t\r\n\"',;"},
    Marker{"basic ", true, " \t\r\n\"',;"},
    Marker{"set-cookie:", true, "\r\n"},
    Marker{"cookie:", true, "\r\n"},
    Marker{"x-csrf-token:", true, "\r\n"},
    Marker{"password\":\"", true, "\""},
    Marker{"password=", true, " \t\r\n\"',;&"},
};

bool starts_with_folded(std::string_view text, std::string_view marker) {
  if (text.size() < marker.size()) return false;
  for (std::size_t i = 0; i < marker.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(text[i])) != marker[i]) return false;
  }
  return true;
}

// "user:password@" behind "://": the length up to and including the '@', else 0.
std::size_t user_info_length(std::string_view after_scheme) {
  const auto end = after_scheme.find_first_of("/ \t\r\n\"'?#");
  const auto at = after_scheme.substr(0, end).rfind('@');
  return at == std::string_view::npos ? 0 : at + 1;
}

void append_escaped(std::string& out, char c) {
  static constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x20 && byte != 0x7f) {
    out += c;
  } else if (c == '\n') {
    out += "\\n";
  } else if (c == '\t') {
    out += ' ';
  } else {
    out += "\\x";
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

}  // namespace

std::string redact(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto rest = text.substr(at);
    const Marker* hit = nullptr;
    for (const auto& marker : markers) {
      if (starts_with_folded(rest, marker.text)) {
        hit = &marker;
        break;
      }
    }
    if (hit != nullptr) {
      if (hit->keep) out += rest.substr(0, hit->text.size());
      auto end = rest.find_first_of(hit->ends, hit->text.size());
      if (end == std::string_view::npos) end = rest.size();
      out += mask;
      at += end;
    } else if (rest.starts_with("://")) {
      out += "://";
      at += 3;
      if (const auto length = user_info_length(text.substr(at)); length > 0) {
        out += mask;
        out += '@';
        at += length;
      }
    } else {
      append_escaped(out, rest.front());
      ++at;
    }
  }
  return out;
}

}  // namespace nithronfs

// A short table of the types that people keep on a NAS and look at in a browser.
#include "media_type.hpp"

#include <array>

#include "../http.hpp"

namespace refserver::dav {
namespace {

struct Entry {
  std::string_view extension;
  std::string_view type;
};

constexpr std::array table{
    Entry{"txt", "text/plain; charset=utf-8"},
    Entry{"md", "text/markdown; charset=utf-8"},
    Entry{"html", "text/html; charset=utf-8"},
    Entry{"htm", "text/html; charset=utf-8"},
    Entry{"css", "text/css; charset=utf-8"},
    Entry{"csv", "text/csv; charset=utf-8"},
    Entry{"js", "text/javascript; charset=utf-8"},
    Entry{"json", "application/json"},
    Entry{"xml", "application/xml"},
    Entry{"pdf", "application/pdf"},
    Entry{"zip", "application/zip"},
    Entry{"gz", "application/gzip"},
    Entry{"tar", "application/x-tar"},
    Entry{"png", "image/png"},
    Entry{"jpg", "image/jpeg"},
    Entry{"jpeg", "image/jpeg"},
    Entry{"gif", "image/gif"},
    Entry{"webp", "image/webp"},
    Entry{"svg", "image/svg+xml"},
    Entry{"mp3", "audio/mpeg"},
    Entry{"flac", "audio/flac"},
    Entry{"ogg", "audio/ogg"},
    Entry{"mp4", "video/mp4"},
    Entry{"mkv", "video/x-matroska"},
    Entry{"webm", "video/webm"},
};

}  // namespace

std::string_view media_type_of(std::string_view name) {
  if (const std::size_t dot = name.rfind('.'); dot != name.npos) {
    for (const Entry& entry : table) {
      if (equal_without_case(entry.extension, name.substr(dot + 1))) return entry.type;
    }
  }
  return "application/octet-stream";
}

}  // namespace refserver::dav

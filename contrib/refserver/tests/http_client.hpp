// A small HTTP client over libcurl, for talking to the real server.
#pragma once

#include <curl/curl.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace refserver::testing {

struct Reply {
  CURLcode result = CURLE_OK;
  long status = 0;
  std::multimap<std::string, std::string> headers;  // names in lower case
  std::string body;
  double seconds_to_first_byte = 0;

  std::string header(const std::string& name) const {
    auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
  nlohmann::json json() const { return nlohmann::json::parse(body, nullptr, false); }
};

struct Ask {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers;
  std::optional<std::string> body;
};

// One connection that is kept open, like a client's.
class HttpClient {
 public:
  HttpClient();
  Reply send(const Ask& ask);
  void pin(const std::string& public_key_pin) { pin_ = public_key_pin; }

 private:
  struct Closer {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };
  std::unique_ptr<CURL, Closer> handle_;
  std::string pin_;
};

}  // namespace refserver::testing

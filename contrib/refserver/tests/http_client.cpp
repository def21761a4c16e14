// Fills libcurl's options for one request at a time.
#include "http_client.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace refserver::testing {
namespace {

constexpr long deadline_seconds = 60;  // only a failing test gets here

std::size_t take_body(char* data, std::size_t, std::size_t size, void* reply) {
  static_cast<Reply*>(reply)->body.append(data, size);
  return size;
}

std::size_t take_header(char* data, std::size_t, std::size_t size, void* reply) {
  std::string line(data, size);
  auto& headers = static_cast<Reply*>(reply)->headers;
  if (line.starts_with("HTTP/")) headers.clear();
  auto colon = line.find(':');
  if (colon == std::string::npos) return size;
  auto name = line.substr(0, colon);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  auto value = line.substr(std::min(line.size(), line.find_first_not_of(' ', colon + 1)));
  while (!value.empty() && (value.back() == '\r' || value.back() == '\n')) value.pop_back();
  headers.emplace(name, value);
  return size;
}

struct ListFreer {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

HttpClient::HttpClient() : handle_(curl_easy_init()) {
  if (!handle_) throw std::runtime_error("curl_easy_init failed");
}

Reply HttpClient::send(const Ask& ask) {
  Reply reply;
  CURL* curl = handle_.get();
  curl_easy_reset(curl);
  std::unique_ptr<curl_slist, ListFreer> headers;
  for (const auto& header : ask.headers) headers.reset(curl_slist_append(headers.release(), header.c_str()));
  curl_easy_setopt(curl, CURLOPT_URL, ask.url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, deadline_seconds);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  if (!pin_.empty()) {
    curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, pin_.c_str());
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
  }
  if (ask.body) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(ask.body->size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, ask.body->c_str());
  }
  if (ask.method == "HEAD") curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, ask.method.c_str());
  reply.result = curl_easy_perform(curl);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
  curl_easy_getinfo(curl, CURLINFO_STARTTRANSFER_TIME, &reply.seconds_to_first_byte);
  return reply;
}

}  // namespace refserver::testing

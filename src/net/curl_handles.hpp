// Owners for libcurl's handles.
#pragma once

#include <curl/curl.h>

#include <memory>

namespace nithronfs::net {

template <auto Free>
struct CurlDeleter {
  template <class T>
  void operator()(T* handle) const {
    Free(handle);
  }
};

using CurlEasy = std::unique_ptr<CURL, CurlDeleter<curl_easy_cleanup>>;
using CurlMulti = std::unique_ptr<CURLM, CurlDeleter<curl_multi_cleanup>>;
using CurlList = std::unique_ptr<curl_slist, CurlDeleter<curl_slist_free_all>>;
using CurlUrl = std::unique_ptr<CURLU, CurlDeleter<curl_url_cleanup>>;
using CurlString = std::unique_ptr<char, CurlDeleter<curl_free>>;

}  // namespace nithronfs::net

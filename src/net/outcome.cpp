// The table from libcurl's codes to errors that say what failed and what to do about it.
#include "net/outcome.hpp"

#include <fmt/format.h>

#include <system_error>

namespace nithronfs::net {
namespace {

std::string reason_of(int os_error) {
  return os_error == 0 ? "no answer" : std::generic_category().message(os_error);
}

// libcurl has one code for a broken connection and for a broken chunked encoding.
bool is_bad_chunk(const CurlFailure& failure) {
  return failure.code == CURLE_RECV_ERROR && failure.text.find("chunk") != std::string_view::npos;
}

// OpenSSL reports a connection that broke during the handshake as a failed system call.
bool is_broken_handshake(const CurlFailure& failure) {
  return failure.code == CURLE_SSL_CONNECT_ERROR &&
         (failure.text.find("SSL_ERROR_SYSCALL") != std::string_view::npos ||
          failure.text.find("unexpected eof") != std::string_view::npos);
}

Error describe_tls(const CurlFailure& failure) {
  switch (failure.code) {
    case CURLE_PEER_FAILED_VERIFICATION:
      return {
          Errc::protocol,
          fmt::format("the certificate of {} is not trusted ({}); if it is your own, name it with ca=FILE",
                      failure.authority, failure.text)};
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
      return {
          Errc::protocol,
          fmt::format("the key of {} is not the pinned one; if the server got a new key on purpose, change "
                      "pinnedpubkey=, otherwise somebody may be in between",
                      failure.authority)};
    case CURLE_SSL_CACERT_BADFILE:
      return {Errc::invalid_argument, "the file named with ca= cannot be read as certificates (PEM)"};
    default:
      return {Errc::protocol,
              fmt::format("no TLS 1.3 connection to {}: {}", failure.authority, failure.text)};
  }
}

}  // namespace

Error describe(const CurlFailure& failure) {
  const auto& [code, os_error, text, authority] = failure;
  if (is_broken_handshake(failure)) {
    return {Errc::offline, fmt::format("the connection to {} broke during the TLS handshake", authority)};
  }
  if (is_bad_chunk(failure)) {
    return {Errc::protocol, fmt::format("the answer of {} is not valid HTTP: {}", authority, text)};
  }
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return {Errc::offline,
              fmt::format("the name of {} cannot be resolved; check the address and the network", authority)};
    case CURLE_COULDNT_RESOLVE_PROXY:
      return {Errc::offline, "the name of the proxy cannot be resolved; check the proxy settings"};
    case CURLE_COULDNT_CONNECT:
      return {Errc::offline,
              fmt::format("{} cannot be reached ({}); check that the server runs and the network "
                          "is up",
                          authority, reason_of(os_error))};
    case CURLE_OPERATION_TIMEDOUT:
      return {Errc::offline,
              fmt::format("{} cannot be reached: no connection within the time set", authority)};
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
      return {Errc::offline,
              fmt::format("the connection to {} broke before the answer was complete", authority)};
    case CURLE_ABORTED_BY_CALLBACK:
      return {Errc::offline,
              fmt::format("the connection to {} broke before the answer came; whether the server "
                          "did what was asked is not known",
                          authority)};
    case CURLE_PARTIAL_FILE:
      return {Errc::protocol, fmt::format("{} sent less than it announced", authority)};
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
      return describe_tls(failure);
    case CURLE_URL_MALFORMAT:
      return {Errc::invalid_argument, "not a valid URL"};
    case CURLE_OUT_OF_MEMORY:
      return {Errc::out_of_memory, "no memory for a request"};
    default:
      return {Errc::protocol, fmt::format("the answer of {} is not valid HTTP ({})", authority,
                                          text.empty() ? std::string_view(curl_easy_strerror(code)) : text)};
  }
}

bool is_connect_failure(CURLcode code) {
  return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
         code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT;
}

bool is_connection_failure(const CurlFailure& failure) {
  if (is_broken_handshake(failure)) return true;
  if (is_bad_chunk(failure)) return false;
  switch (failure.code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:  // a connect time-out has used up its patience already
      return false;
  }
}

}  // namespace nithronfs::net

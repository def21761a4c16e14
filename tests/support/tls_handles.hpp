// Owners for OpenSSL's handles, and reading and making what they hold.
#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace nithronfs::testing {

template <auto Free>
struct OpenSslDeleter {
  template <class T>
  void operator()(T* handle) const {
    Free(handle);
  }
};

using SslContextHandle = std::unique_ptr<SSL_CTX, OpenSslDeleter<SSL_CTX_free>>;
using SslHandle = std::unique_ptr<SSL, OpenSslDeleter<SSL_free>>;
using X509Handle = std::unique_ptr<X509, OpenSslDeleter<X509_free>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, OpenSslDeleter<EVP_PKEY_free>>;
using BioHandle = std::unique_ptr<BIO, OpenSslDeleter<BIO_free>>;

// Throw std::runtime_error.
[[nodiscard]] X509Handle read_certificate(const std::string& pem);
[[nodiscard]] KeyHandle read_key(const std::string& pem);

}  // namespace nithronfs::testing

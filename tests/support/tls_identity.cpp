// Makes throw-away keys and certificates for TLS tests.
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <array>
#include <stdexcept>
#include <vector>

#include "support/http_script_server.hpp"
#include "support/tls_handles.hpp"

namespace nithronfs::testing {
namespace {

void check(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string("OpenSSL: ") + what);
}

BioHandle reader(const std::string& text) {
  return BioHandle(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

void add_extension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  check(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "extension");
  X509_EXTENSION_free(extension);
}

X509Handle self_signed(EVP_PKEY* key) {
  X509Handle certificate(X509_new());
  check(certificate != nullptr, "certificate");
  X509* raw = certificate.get();
  X509_set_version(raw, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(raw), 1);
  X509_gmtime_adj(X509_getm_notBefore(raw), -3600);
  X509_gmtime_adj(X509_getm_notAfter(raw), 24L * 3600);
  X509_NAME* name = X509_get_subject_name(raw);
  const std::array<unsigned char, 10> common_name{'l', 'o', 'c', 'a', 'l', 'h', 'o', 's', 't', 0};
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name.data(), -1, -1, 0);
  X509_set_issuer_name(raw, name);
  X509_set_pubkey(raw, key);
  add_extension(raw, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(raw, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  check(X509_sign(raw, key, EVP_sha256()) > 0, "sign");
  return certificate;
}

std::string pin_of(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  check(size > 0, "public key");
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(der, static_cast<std::size_t>(size), digest.data());
  OPENSSL_free(der);
  std::array<unsigned char, 64> text{};
  EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
  return std::string("sha256//") + reinterpret_cast<const char*>(text.data());
}

}  // namespace

X509Handle read_certificate(const std::string& pem) {
  X509Handle certificate(PEM_read_bio_X509(reader(pem).get(), nullptr, nullptr, nullptr));
  check(certificate != nullptr, "certificate");
  return certificate;
}

KeyHandle read_key(const std::string& pem) {
  KeyHandle key(PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, nullptr, nullptr));
  check(key != nullptr, "key");
  return key;
}

TlsIdentity TlsIdentity::generate() {
  const KeyHandle key(EVP_EC_gen("P-256"));
  check(key != nullptr, "key");
  const X509Handle certificate = self_signed(key.get());
  const BioHandle certificate_out(BIO_new(BIO_s_mem()));
  const BioHandle key_out(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_X509(certificate_out.get(), certificate.get()) == 1, "certificate");
  check(PEM_write_bio_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
        "key");
  return {.certificate_pem = text_of(certificate_out.get()),
          .key_pem = text_of(key_out.get()),
          .public_key_pin = pin_of(key.get())};
}

}  // namespace nithronfs::testing

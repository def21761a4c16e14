// Certificates by way of OpenSSL.
#include "tls.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

#include <fmt/format.h>

#include "crypto.hpp"
#include "encoding.hpp"
#include "fd.hpp"

namespace refserver {
namespace {

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Freer<X509_free>>;
using BioPtr = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;

constexpr long ten_years = 3650L * 24 * 3600;

std::string text_of(BIO* bio) {
  char* data = nullptr;
  long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::expected<std::string, std::string> read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::unexpected(fmt::format("cannot read {}", file.string()));
  return std::string{std::istreambuf_iterator<char>(in), {}};
}

bool write_private(const std::filesystem::path& file, const std::string& text) {
  UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

std::string alternative_names(const std::string& address) {
  std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0 && host[0] != '\0')
    names += fmt::format(",DNS:{}", host.data());
  if (address != "127.0.0.1" && address != "::1") names += fmt::format(",IP:{}", address);
  return names;
}

CertificatePtr make_certificate(EVP_PKEY* key, const std::string& address) {
  CertificatePtr certificate(X509_new());
  std::uint64_t serial = 0;
  if (!certificate || RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1)
    return nullptr;
  auto* name = X509_get_subject_name(certificate.get());
  const auto* common = reinterpret_cast<const unsigned char*>("nithron-refserver");
  bool made = X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
              ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1) == 1 &&
              X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600) != nullptr &&
              X509_gmtime_adj(X509_getm_notAfter(certificate.get()), ten_years) != nullptr &&
              X509_set_pubkey(certificate.get(), key) == 1 &&
              X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0) == 1 &&
              X509_set_issuer_name(certificate.get(), name) == 1 &&
              add_extension(certificate.get(), NID_subject_alt_name, alternative_names(address)) &&
              add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE") &&
              X509_sign(certificate.get(), key, EVP_sha256()) != 0;
  return made ? std::move(certificate) : nullptr;
}

}  // namespace

std::expected<TlsIdentity, std::string> read_identity(const std::filesystem::path& certificate,
                                                      const std::filesystem::path& key) {
  auto certificate_pem = read_file(certificate);
  if (!certificate_pem) return std::unexpected(certificate_pem.error());
  auto key_pem = read_file(key);
  if (!key_pem) return std::unexpected(key_pem.error());
  return TlsIdentity{std::move(*certificate_pem), std::move(*key_pem)};
}

std::expected<TlsIdentity, std::string> self_signed_identity(const std::filesystem::path& directory,
                                                             const std::string& address) {
  auto certificate_file = directory / "cert.pem";
  auto key_file = directory / "key.pem";
  std::error_code error;
  if (std::filesystem::exists(certificate_file, error) && std::filesystem::exists(key_file, error)) {
    return read_identity(certificate_file, key_file);
  }
  KeyPtr key(EVP_EC_gen("P-256"));
  auto certificate = key ? make_certificate(key.get(), address) : nullptr;
  BioPtr certificate_text(BIO_new(BIO_s_mem()));
  BioPtr key_text(BIO_new(BIO_s_mem()));
  if (!certificate || !certificate_text || !key_text ||
      PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return std::unexpected(std::string("cannot make a certificate"));
  }
  TlsIdentity identity{text_of(certificate_text.get()), text_of(key_text.get())};
  std::filesystem::create_directories(directory, error);
  auto pin = public_key_pin(identity.certificate_pem);
  if (!pin) return std::unexpected(pin.error());
  if (!write_private(key_file, identity.key_pem) ||
      !write_private(certificate_file, identity.certificate_pem) || !write_private(directory / "pin", *pin)) {
    return std::unexpected(fmt::format("cannot write to {}: {}", directory.string(), std::strerror(errno)));
  }
  return identity;
}

std::expected<std::string, std::string> public_key_pin(const std::string& certificate_pem) {
  BioPtr bio(BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())));
  CertificatePtr certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!certificate) return std::unexpected(std::string("the certificate file holds no certificate"));
  unsigned char* der = nullptr;
  int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
  if (size <= 0) return std::unexpected(std::string("the certificate has no public key"));
  std::string spki(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return "sha256//" + base64(sha256(spki));
}

}  // namespace refserver

// Thin layer over OpenSSL. Its failures here are broken installations or lack of memory: they throw.
#include "crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <stdexcept>

namespace refserver {
namespace {

constexpr std::size_t sha256_size = 32;

void require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string("OpenSSL: ") + what + " failed");
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hmac(const EVP_MD* digest, std::string_view key, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  require(HMAC(digest, key.data(), static_cast<int>(key.size()), bytes_of(message), message.size(),
               out.data(), &size) != nullptr,
          "HMAC");
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string derive(std::string_view password, std::string_view salt, std::uint64_t cost) {
  std::string out(sha256_size, '\0');
  constexpr std::uint64_t block = 8, parallel = 1, memory = 64U << 20;
  require(EVP_PBE_scrypt(password.data(), password.size(), bytes_of(salt), salt.size(), cost, block, parallel,
                         memory, reinterpret_cast<unsigned char*>(out.data()), out.size()) == 1,
          "scrypt");
  return out;
}

}  // namespace

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  require(RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) == 1,
          "RAND_bytes");
  return out;
}

std::string sha256(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

std::string hmac_sha1(std::string_view key, std::string_view message) {
  return hmac(EVP_sha1(), key, message);
}
std::string hmac_sha256(std::string_view key, std::string_view message) {
  return hmac(EVP_sha256(), key, message);
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  require(context_ != nullptr &&
              EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr) == 1,
          "SHA-256");
}

Sha256::~Sha256() {
  EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_));
}

void Sha256::update(std::string_view piece) {
  require(EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), piece.data(), piece.size()) == 1, "SHA-256");
}

std::string Sha256::finish() {
  std::string out(sha256_size, '\0');
  auto* context = static_cast<EVP_MD_CTX*>(context_);
  require(EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(out.data()), nullptr) == 1 &&
              EVP_DigestInit_ex(context, nullptr, nullptr) == 1,
          "SHA-256");
  return out;
}

std::uint32_t adler32(std::string_view bytes, std::uint32_t start) {
  constexpr std::uint32_t modulus = 65521;
  constexpr std::size_t stride = 5552;  // the most additions that cannot overflow 32 bits
  std::uint32_t a = start & 0xFFFF;
  std::uint32_t b = start >> 16;
  while (!bytes.empty()) {
    auto part = bytes.substr(0, stride);
    for (char c : part) {
      a += static_cast<unsigned char>(c);
      b += a;
    }
    a %= modulus;
    b %= modulus;
    bytes.remove_prefix(part.size());
  }
  return b << 16 | a;
}

PasswordHash PasswordHash::of(std::string_view password, std::uint64_t cost) {
  PasswordHash hash;
  hash.salt_ = random_bytes(16);
  hash.cost_ = cost;
  hash.derived_ = derive(password, hash.salt_, cost);
  return hash;
}

bool PasswordHash::matches(std::string_view password) const {
  return equal_in_constant_time(derive(password, salt_, cost_), derived_);
}

}  // namespace refserver

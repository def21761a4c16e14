// Hashes, randomness and password hashing, all from OpenSSL's libcrypto.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace refserver {

std::string random_bytes(std::size_t count);

std::string sha256(std::string_view bytes);  // 32 raw bytes
std::string hmac_sha1(std::string_view key, std::string_view message);
std::string hmac_sha256(std::string_view key, std::string_view message);

bool equal_in_constant_time(std::string_view a, std::string_view b);

// SHA-256 over data that arrives in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(std::string_view piece);
  std::string finish();  // 32 raw bytes; starts over

 private:
  void* context_;
};

// Adler-32 of RFC 1950.
std::uint32_t adler32(std::string_view bytes, std::uint32_t start = 1);

// A password as scrypt(N, r=8, p=1) of it with a salt of its own. With the usual N = 2^14 it takes tens of
// milliseconds, on purpose.
inline constexpr std::uint64_t usual_password_cost = 1U << 14;

class PasswordHash {
 public:
  static PasswordHash of(std::string_view password, std::uint64_t cost = usual_password_cost);
  bool matches(std::string_view password) const;

 private:
  std::string salt_;
  std::string derived_;
  std::uint64_t cost_ = usual_password_cost;
};

}  // namespace refserver

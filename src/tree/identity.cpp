// The digest behind st_ino and data key.
#include "identity.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "row_codec.hpp"

namespace nithronfs::tree {
namespace {

void append_number(std::string& out, std::uint64_t value) {
  const auto bytes = encode_u64(value);
  out.append(bytes.data(), bytes.size());
}

void append_u32(std::string& out, std::uint64_t value) {
  const auto bytes = encode_u64(value);
  out.append(bytes.data() + 4, 4);
}

void append_text(std::string& out, std::string_view text) {
  append_u32(out, text.size());
  out.append(text);
}

}  // namespace

bool better_etag(const remote::ETag& known, const remote::ETag& fresh) {
  if (fresh.empty() || known == fresh) return false;
  return known.empty() || known.starts_with("W/");
}

void IdentityHasher::FreeDigest::operator()(evp_md_st* digest) const {
  EVP_MD_free(digest);
}
void IdentityHasher::FreeDigest::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

Result<IdentityHasher> IdentityHasher::create() {
  IdentityHasher hasher;
  // Fetched once: looking the algorithm up by name costs more than hashing a path.
  hasher.sha256_.reset(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  hasher.context_.reset(EVP_MD_CTX_new());
  if (!hasher.sha256_) return fail(Errc::not_supported, "OpenSSL offers no SHA-256");
  if (!hasher.context_) return fail(Errc::out_of_memory, "no memory for a digest");
  return hasher;
}

void IdentityHasher::start(char kind, std::string_view share, std::string_view directory_path,
                           std::string_view name) {
  input_ = "nithronfs identity 1";
  input_ += kind;
  append_text(input_, share);
  const bool separated = !directory_path.empty() && !name.empty();
  append_u32(input_, directory_path.size() + (separated ? 1 : 0) + name.size());
  input_.append(directory_path);
  if (separated) input_ += '/';
  input_.append(name);
}

Result<Identity> IdentityHasher::digest() {
  std::array<unsigned char, 32> digest;
  if (EVP_DigestInit_ex2(context_.get(), sha256_.get(), nullptr) != 1 ||
      EVP_DigestUpdate(context_.get(), input_.data(), input_.size()) != 1 ||
      EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) != 1) {
    return fail(Errc::out_of_memory, "SHA-256 failed");
  }
  Identity identity;
  for (std::size_t i = 0; i < 8; ++i) identity.ino = identity.ino << 8U | digest[i];
  if (identity.ino <= kRootIno) identity.ino += 2;
  std::copy_n(digest.begin() + 8, identity.data_key.size(), identity.data_key.begin());
  return identity;
}

Result<Identity> IdentityHasher::file(std::string_view share, std::string_view directory_path,
                                      std::string_view name, const remote::Version& version) {
  start('f', share, directory_path, name);
  append_text(input_, remote::without_weak_mark(version.etag));
  append_number(input_, version.size);
  append_number(input_, static_cast<std::uint64_t>(version.mtime.seconds));
  append_u32(input_, version.mtime.nanoseconds);
  return digest();
}

Result<Identity> IdentityHasher::directory(std::string_view share, std::string_view directory_path,
                                           std::string_view name) {
  start('d', share, directory_path, name);
  auto identity = digest();
  if (identity) identity->data_key = {};
  return identity;
}

}  // namespace nithronfs::tree

// Certificates: reading them, making a self-signed one, and the pin of a key.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

#include "http_server.hpp"

namespace refserver {

std::expected<TlsIdentity, std::string> read_identity(const std::filesystem::path& certificate,
                                                      const std::filesystem::path& key);

// Uses cert.pem and key.pem in the directory, or makes them: P-256, ten years, for localhost, this host's
// name and the address.
std::expected<TlsIdentity, std::string> self_signed_identity(const std::filesystem::path& directory,
                                                             const std::string& address);

// "sha256//…" over the certificate's public key, as curl's --pinnedpubkey takes it.
std::expected<std::string, std::string> public_key_pin(const std::string& certificate_pem);

}  // namespace refserver

// The two key pairs of a node: an Ed25519 key that signs, and an X25519 key for its links. Any
// thread may use a key that is not being assigned to.
#pragma once

#include <filesystem>
#include <memory>

#include "schemas/result.h"
#include "state/identity/digest.h"
#include "state/identity/encoding.h"
#include "state/identity/random.h"

struct evp_pkey_st;

namespace tradewind {

inline constexpr std::size_t public_key_bytes = 32;  // of both kinds
inline constexpr std::size_t signature_bytes = 64;

// An Ed25519 key pair (RFC 8032). Copies share the key.
class SigningKey {
 public:
  static SigningKey generate();
  // The private key as RFC 8032 writes it: 32 bytes. Fails with ErrorCode::invalid on another
  // length.
  static Result<SigningKey> from_seed(BytesView seed);
  // A PEM PKCS#8 file, unencrypted, accessible to its owner only. Fails with not_found, forbidden,
  // too_large, unavailable or corrupt.
  static Result<SigningKey> load(const std::filesystem::path& file);
  // The key in the file; when there is no file, a new key, stored there first.
  static Result<SigningKey> load_or_generate(const std::filesystem::path& file);

  // Mode 0600, whole or not at all; replaces what was there.
  Status save(const std::filesystem::path& file) const;
  std::string private_pem() const;

  const Bytes& public_key() const { return public_key_; }  // raw, 32 bytes
  Bytes sign(BytesView message) const;                     // 64 bytes

  // OpenSSL's EVP_PKEY, for certificates and TLS; lives as long as any copy of this key.
  evp_pkey_st* native() const { return key_.get(); }

 private:
  explicit SigningKey(std::shared_ptr<evp_pkey_st> key);
  static Result<SigningKey> from_private_pem(const std::string& field, BytesView pem);

  std::shared_ptr<evp_pkey_st> key_;
  Bytes public_key_;
};

// Whether `signature` (64 bytes) is the Ed25519 signature of `message` by `key` (raw, 32 bytes).
// False for keys and signatures of any other form; never fails otherwise.
bool verify_signature(BytesView key, BytesView message, BytesView signature);

// An X25519 key pair, raw, as ZeroMQ's CURVE takes it.
struct CurveKeys {
  Bytes public_key;  // 32 bytes
  Bytes secret_key;  // 32 bytes

  static CurveKeys generate();
  // As SigningKey's, for an X25519 key in PEM PKCS#8.
  static Result<CurveKeys> load(const std::filesystem::path& file);
  static Result<CurveKeys> load_or_generate(const std::filesystem::path& file);
  Status save(const std::filesystem::path& file) const;
};

}  // namespace tradewind

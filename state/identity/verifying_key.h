// Public keys of others that sign by the algorithms of JSON Web Signatures (RFC 7518, RFC 8037).
// Any thread may use a key that is not being assigned to.
#pragma once

#include <memory>
#include <string_view>

#include "schemas/result.h"

struct evp_pkey_st;

namespace tradewind {

enum class SignatureAlgorithm {
  rs256,  // RSASSA-PKCS1-v1_5 with SHA-256
  es256,  // ECDSA on P-256 with SHA-256; signatures are r and s, 32 bytes each
  eddsa,  // Ed25519
};
std::string_view to_string(SignatureAlgorithm algorithm);  // "RS256", "ES256", "EdDSA"

inline constexpr std::size_t rsa_bits_min = 2'048;
inline constexpr std::size_t rsa_bits_max = 8'192;  // a check of one takes about a millisecond

// Copies share the key.
class VerifyingKey {
 public:
  // The numbers big-endian. Each fails with ErrorCode::invalid naming `field` when they make no
  // key, or one that is too weak to be trusted.
  static Result<VerifyingKey> rsa(std::string_view field, BytesView modulus, BytesView exponent);
  static Result<VerifyingKey> p256(std::string_view field, BytesView x, BytesView y);
  static Result<VerifyingKey> ed25519(std::string_view field, BytesView key);

  SignatureAlgorithm algorithm() const { return algorithm_; }
  // False for signatures of any other form; never fails otherwise.
  bool verify(BytesView message, BytesView signature) const;

 private:
  VerifyingKey(SignatureAlgorithm algorithm, std::shared_ptr<evp_pkey_st> key)
      : algorithm_(algorithm), key_(std::move(key)) {}

  SignatureAlgorithm algorithm_;
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace tradewind

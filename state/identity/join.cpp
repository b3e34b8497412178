#include "state/identity/join.h"

#include "schemas/assert.h"

namespace tradewind {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kSecretBytes = 16;
constexpr std::size_t kSecretCharacters = 22;
constexpr std::size_t kFingerprintCharacters = 2 * sha256_bytes;

tl::unexpected<Error> bad_token(std::string message) {
  return fail(ErrorCode::invalid, "token", std::move(message),
              "copy the whole token that the operator's invitation printed, "
              "<secret>.<fingerprint>, or ask for a new one");
}

Bytes proof_message(const JoinToken& token, BytesView curve_key) {
  Bytes message("tradewind-join-v1\0"sv);
  message += to_string(token);
  message += '\0';
  message += curve_key;
  return message;
}

}  // namespace

JoinToken make_join_token(BytesView trust_sha256) {
  TRADEWIND_ASSERT(trust_sha256.size() == sha256_bytes);
  return JoinToken{random_bytes(kSecretBytes), Bytes(trust_sha256)};
}

std::string to_string(const JoinToken& token) {
  return base64url_encode(token.secret) + "." + hex(token.trust_sha256);
}

Result<JoinToken> parse_join_token(std::string_view text) {
  if (text.empty()) return bad_token("is empty");
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos)
    return bad_token("has no '.' between its secret and its fingerprint");
  const std::string_view secret = text.substr(0, dot);
  const std::string_view fingerprint = text.substr(dot + 1);
  if (secret.size() != kSecretCharacters) {
    return bad_token("its secret, before the '.', has " + std::to_string(secret.size()) +
                     " characters, not " + std::to_string(kSecretCharacters));
  }
  if (fingerprint.size() != kFingerprintCharacters) {
    return bad_token("its fingerprint, after the '.', has " + std::to_string(fingerprint.size()) +
                     " characters, not " + std::to_string(kFingerprintCharacters));
  }
  auto secret_bytes = base64url_decode("token", secret);
  if (!secret_bytes) return bad_token("its secret is wrong: " + secret_bytes.error().message);
  auto fingerprint_bytes = hex_decode("token", fingerprint);
  if (!fingerprint_bytes)
    return bad_token("its fingerprint is wrong: " + fingerprint_bytes.error().message);
  return JoinToken{std::move(*secret_bytes), std::move(*fingerprint_bytes)};
}

Bytes token_sha256(const JoinToken& token) {
  return sha256(token.secret);
}

Bytes make_join_proof(const SigningKey& identity_key, const JoinToken& token, BytesView curve_key) {
  TRADEWIND_ASSERT(curve_key.size() == public_key_bytes);
  return identity_key.sign(proof_message(token, curve_key));
}

bool verify_join_proof(BytesView identity_key, const JoinToken& token, BytesView curve_key,
                       BytesView proof) {
  return curve_key.size() == public_key_bytes &&
         verify_signature(identity_key, proof_message(token, curve_key), proof);
}

}  // namespace tradewind

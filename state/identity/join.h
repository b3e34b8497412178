// Join tokens: how a new node proves that it was invited and knows whom it joins.
// A token reads "<secret>.<fingerprint>": the secret, 128 bits as base64url, shows the broker who
// is invited; the fingerprint, trust_sha256 of the trust record in force in hexadecimal, lets the
// node check the trust record that it is handed before it trusts anything else. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "schemas/result.h"
#include "state/identity/keys.h"

namespace tradewind {

struct JoinToken {
  Bytes secret;        // 16 bytes
  Bytes trust_sha256;  // 32 bytes
  friend bool operator==(const JoinToken&, const JoinToken&) = default;
};

// A fresh secret. `trust_sha256` has 32 bytes.
JoinToken make_join_token(BytesView trust_sha256);
std::string to_string(const JoinToken& token);
// Exactly the texts that to_string makes. Fails with ErrorCode::invalid, field "token"; the error
// does not repeat the secret.
Result<JoinToken> parse_join_token(std::string_view text);

// What the broker keeps of a token: the raw SHA-256 of its secret. Stealing it does not let anybody
// join.
Bytes token_sha256(const JoinToken& token);

// The signature by the identity key that binds this use of the token to the link key: over
// "tradewind-join-v1", a zero byte, the token's text, a zero byte and the CURVE key.
Bytes make_join_proof(const SigningKey& identity_key, const JoinToken& token, BytesView curve_key);
// `identity_key` and `curve_key` are public and raw, 32 bytes each; false on any other length.
bool verify_join_proof(BytesView identity_key, const JoinToken& token, BytesView curve_key,
                       BytesView proof);

}  // namespace tradewind

// JSON Web Tokens (RFC 7519) in their compact form, signed (RFC 7515): taking them apart, before
// anything of them is believed. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/api/json.h"
#include "schemas/result.h"
#include "state/identity/verifying_key.h"

namespace tradewind {

inline constexpr std::size_t jwt_bytes_max = 8 * 1024;
inline constexpr std::size_t key_id_bytes_max = 256;

struct Jwt {
  SignatureAlgorithm algorithm = SignatureAlgorithm::rs256;
  std::string key_id;       // empty: none is named
  std::string signed_part;  // what the signature is of
  Bytes signature;
  Bytes claims;  // JSON, not looked at
};

// Whether the text has the form of one, rather than that of a built-in token.
bool looks_like_jwt(std::string_view text);

// Fails with unauthenticated, saying what is wrong and never repeating what is secret: no three
// parts of base64url, an algorithm other than RS256, ES256 and EdDSA, a type other than "JWT" and
// "at+jwt", extensions that must be understood.
Result<Jwt> parse_jwt(std::string_view text);

// The claims of one whose signature is good, as a JSON object. Fails with unauthenticated.
Result<json::object> parse_claims(BytesView claims);

}  // namespace tradewind

// Key sets of issuers (RFC 7517): the public keys that tokens are checked with. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schemas/result.h"
#include "state/identity/verifying_key.h"

namespace tradewind {

inline constexpr std::size_t jwks_bytes_max = 256 * 1024;
inline constexpr std::size_t jwks_keys_max = 64;

struct KeySet {
  struct Key {
    std::string id;  // empty: none
    VerifyingKey key;
  };
  std::vector<Key> keys;
  std::vector<std::string> skipped;  // what is wrong with the others, a sentence for each

  // The key of that id and algorithm; without an id the only one of that algorithm. Null when there
  // is none.
  const VerifyingKey* find(std::string_view id, SignatureAlgorithm algorithm) const;
};

// The keys that sign by RS256, ES256 or EdDSA (Ed25519). Others are skipped: those for encryption,
// of other kinds, too weak, or whose private part stands there for all to see. Fails with invalid
// when it is no key set, is too large, or has no key that can be used.
Result<KeySet> parse_jwks(std::string_view text);

}  // namespace tradewind

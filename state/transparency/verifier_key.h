// The public keys that notes are verified with, and their text form, the vkey:
// "name+hex8(key id)+base64(type || public key)" (C2SP signed-note).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "schemas/result.h"

namespace tradewind {

// What a signature covers. The numbers are on the wire.
enum class KeyType : std::uint8_t {
  ed25519 = 0x01,      // the note's text
  cosignature = 0x04,  // a time and the note's text (cosignature.h); also Ed25519
};

struct VerifierKey {
  std::string name;
  KeyType type = KeyType::ed25519;
  Bytes public_key;  // raw, 32 bytes
  friend bool operator==(const VerifierKey&, const VerifierKey&) = default;
};

// Whether it may stand in a signature line: UTF-8, not empty, no Unicode space, no control
// character, no '+'.
bool is_key_name(std::string_view name);

// The first four bytes of SHA-256(name || newline || type || public key).
std::uint32_t key_id(const VerifierKey& key);

std::string format_verifier_key(const VerifierKey& key);
// Strict: one text for one key. Fails with ErrorCode::invalid.
Result<VerifierKey> parse_verifier_key(std::string_view text);

}  // namespace tradewind

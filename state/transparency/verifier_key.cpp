#include "state/transparency/verifier_key.h"

#include "schemas/assert.h"
#include "schemas/utf8.h"
#include "state/identity/digest.h"
#include "state/identity/encoding.h"
#include "state/identity/keys.h"
#include "state/transparency/big_endian.h"

namespace tradewind {
namespace {

// The characters that Unicode gives the property White_Space, but for control characters.
bool is_space(char32_t point) {
  return point == 0x20 || point == 0x85 || point == 0xa0 || point == 0x1680 ||
         (point >= 0x2000 && point <= 0x200a) || point == 0x2028 || point == 0x2029 ||
         point == 0x202f || point == 0x205f || point == 0x3000;
}

Bytes typed_key(const VerifierKey& key) {
  return static_cast<char>(key.type) + key.public_key;
}

Bytes key_id_bytes(const VerifierKey& key) {
  return sha256(key.name + "\n" + typed_key(key)).substr(0, 4);
}

}  // namespace

bool is_key_name(std::string_view name) {
  if (name.empty()) return false;
  while (!name.empty()) {
    const auto point = take_code_point(name);
    if (!point || *point < 0x20 || *point == '+' || is_space(*point)) return false;
  }
  return true;
}

std::uint32_t key_id(const VerifierKey& key) {
  return read_big_endian<std::uint32_t>(key_id_bytes(key));
}

std::string format_verifier_key(const VerifierKey& key) {
  TRADEWIND_ASSERT(is_key_name(key.name) && key.public_key.size() == public_key_bytes);
  return key.name + "+" + hex(key_id_bytes(key)) + "+" + base64_encode(typed_key(key));
}

Result<VerifierKey> parse_verifier_key(std::string_view text) {
  constexpr std::size_t text_bytes_max = 1024;
  const auto refuse = [](std::string why) {
    return fail(ErrorCode::invalid, "vkey", std::move(why),
                "copy the key again, as its owner published it: name+hex+base64");
  };
  if (text.size() > text_bytes_max) {
    return refuse("is over the limit of " + std::to_string(text_bytes_max) + " bytes");
  }
  const std::size_t first = text.find('+');
  const std::size_t second = first == text.npos ? text.npos : text.find('+', first + 1);
  if (second == text.npos) return refuse("has no three parts with a + between them");
  VerifierKey key;
  key.name = text.substr(0, first);
  if (!is_key_name(key.name)) return refuse("its name is empty, or has spaces or broken UTF-8");
  const auto typed = base64_decode("vkey", text.substr(second + 1));
  if (!typed) return fail(typed.error());
  if (typed->empty()) return refuse("has no key in it");
  const auto type = static_cast<unsigned char>(typed->front());
  key.type = static_cast<KeyType>(type);
  if (key.type != KeyType::ed25519 && key.type != KeyType::cosignature) {
    return refuse("keys of type " + std::to_string(type) + " are not supported, but 1 and 4 are");
  }
  key.public_key = typed->substr(1);
  if (key.public_key.size() != public_key_bytes) {
    return refuse(std::to_string(key.public_key.size()) + " bytes are no Ed25519 public key");
  }
  if (hex(key_id_bytes(key)) != text.substr(first + 1, second - first - 1)) {
    return refuse("its key id is not that of its name and key");
  }
  return key;
}

}  // namespace tradewind

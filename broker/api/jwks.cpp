#include "broker/api/jwks.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/api/json.h"
#include "broker/api/jwt.h"
#include "state/identity/encoding.h"

namespace tradewind {
namespace {

constexpr std::size_t kNumberBytesMax = rsa_bits_max / 8;

Result<std::string> text_of(const json::object& key, const char* name) {
  const json::value* const value = key.if_contains(name);
  if (value == nullptr) return std::string();
  const json::string* const text = value->if_string();
  if (text != nullptr) return std::string(text->data(), text->size());
  return fail(ErrorCode::invalid, name, "it is no string", "write it as RFC 7517 has it");
}

Result<Bytes> number_of(const json::object& key, const char* name) {
  const auto text = text_of(key, name);
  if (!text) return fail(text.error());
  if (text->empty() || text->size() > kNumberBytesMax * 4 / 3 + 4) {
    return fail(ErrorCode::invalid, name, "it is missing or too long", "write base64url");
  }
  return base64url_decode(name, *text);
}

Result<VerifyingKey> read_rsa(const json::object& key) {
  const auto modulus = number_of(key, "n");
  if (!modulus) return fail(modulus.error());
  const auto exponent = number_of(key, "e");
  if (!exponent) return fail(exponent.error());
  return VerifyingKey::rsa("n", *modulus, *exponent);
}

Result<VerifyingKey> read_p256(const json::object& key) {
  const auto x = number_of(key, "x");
  if (!x) return fail(x.error());
  const auto y = number_of(key, "y");
  if (!y) return fail(y.error());
  return VerifyingKey::p256("x", *x, *y);
}

Result<VerifyingKey> read_ed25519(const json::object& key) {
  const auto x = number_of(key, "x");
  if (!x) return fail(x.error());
  return VerifyingKey::ed25519("x", *x);
}

// Whether it says of itself that it is for checking signatures by that algorithm.
Status check_use(const json::object& key, SignatureAlgorithm algorithm) {
  const auto use = text_of(key, "use");
  if (!use) return fail(use.error());
  if (!use->empty() && *use != "sig") {
    return fail(ErrorCode::invalid, "use", "it is not for signatures");
  }
  if (const json::value* const operations = key.if_contains("key_ops")) {
    const json::array* const list = operations->if_array();
    const auto is_verify = [](const json::value& each) {
      const json::string* const word = each.if_string();
      return word != nullptr && *word == "verify";
    };
    if (list == nullptr || std::none_of(list->begin(), list->end(), is_verify)) {
      return fail(ErrorCode::invalid, "key_ops", "it is not for checking signatures");
    }
  }
  const auto named = text_of(key, "alg");
  if (!named) return fail(named.error());
  if (!named->empty() && *named != to_string(algorithm)) {
    return fail(ErrorCode::invalid, "alg", "it is for another algorithm than RS256, ES256, EdDSA");
  }
  if (key.contains("d")) {
    return fail(ErrorCode::invalid, "d", "its private part is there for all to see");
  }
  return ok();
}

Result<KeySet::Key> read_key(const json::value& value) {
  const json::object* const object = value.if_object();
  if (object == nullptr) return fail(ErrorCode::invalid, "", "it is no object");
  auto id = text_of(*object, "kid");
  if (!id) return fail(id.error());
  if (id->size() > key_id_bytes_max) return fail(ErrorCode::invalid, "kid", "it is too long");
  const auto kind = text_of(*object, "kty");
  if (!kind) return fail(kind.error());
  const auto curve = text_of(*object, "crv");
  if (!curve) return fail(curve.error());
  Result<VerifyingKey> key = fail(ErrorCode::invalid, "kty", "it is of a kind not used here");
  if (*kind == "RSA") key = read_rsa(*object);
  if (*kind == "EC" && *curve == "P-256") key = read_p256(*object);
  if (*kind == "OKP" && *curve == "Ed25519") key = read_ed25519(*object);
  if (!key) return fail(key.error());
  if (auto good = check_use(*object, key->algorithm()); !good) return fail(std::move(good.error()));
  return KeySet::Key{std::move(*id), std::move(*key)};
}

tl::unexpected<Error> no_set(std::string message) {
  return fail(ErrorCode::invalid, "jwks", std::move(message),
              "serve a JSON Web Key Set (RFC 7517) with RS256, ES256 or Ed25519 keys");
}

}  // namespace

const VerifyingKey* KeySet::find(std::string_view id, SignatureAlgorithm algorithm) const {
  const VerifyingKey* found = nullptr;
  for (const Key& each : keys) {
    if (each.key.algorithm() != algorithm) continue;
    if (!id.empty() && each.id == id) return &each.key;
    if (!id.empty()) continue;
    if (found != nullptr) return nullptr;  // it could be either
    found = &each.key;
  }
  return found;
}

Result<KeySet> parse_jwks(std::string_view text) {
  if (text.size() > jwks_bytes_max) {
    return no_set(fmt::format("it is larger than {} bytes", jwks_bytes_max));
  }
  const auto parsed = parse_json("jwks", text);
  if (!parsed) return fail(parsed.error());
  const json::object* const object = parsed->if_object();
  const json::value* const list = object == nullptr ? nullptr : object->if_contains("keys");
  if (list == nullptr || !list->is_array()) return no_set("it has no list of keys");
  const json::array& keys = list->get_array();
  if (keys.size() > jwks_keys_max) {
    return no_set(fmt::format("it has more than {} keys", jwks_keys_max));
  }
  KeySet set;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto key = read_key(keys[i]);
    if (key) {
      set.keys.push_back(std::move(*key));
    } else {
      set.skipped.push_back(fmt::format("keys[{}]: {}", i, describe(key.error())));
    }
  }
  if (set.keys.empty()) {
    return no_set(set.skipped.empty() ? "it has no key"
                                      : "it has no key that can be used: " + set.skipped.front());
  }
  return set;
}

}  // namespace tradewind

#include "state/identity/keys.h"

#include <openssl/crypto.h>
#include <sodium.h>

#include "state/identity/openssl_handles.h"
#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

constexpr std::size_t kSeedBytes = 32;
constexpr std::size_t kKeyFileBytesMax = 4 * 1024;

EVP_PKEY* generate_key(int type) {
  const openssl::KeyContext context(EVP_PKEY_CTX_new_id(type, nullptr));
  EVP_PKEY* key = nullptr;
  TRADEWIND_ASSERT(context != nullptr && EVP_PKEY_keygen_init(context.get()) == 1 &&
                   EVP_PKEY_keygen(context.get(), &key) == 1);
  return key;
}

// Text that held a private key does not stay behind in freed memory.
struct Wiped {
  Bytes bytes;
  ~Wiped() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

Result<openssl::Key> load_key(const std::filesystem::path& file, int type, const char* kind) {
  auto pem = load_private_file(file, kKeyFileBytesMax);
  if (!pem) return fail(pem.error());
  const Wiped held{std::move(*pem)};
  openssl::Key key = openssl::private_key_from_pem(held.bytes, type);
  if (key == nullptr) {
    return fail(ErrorCode::corrupt, file.string(),
                std::string("holds no unencrypted ") + kind + " private key in PEM form",
                "restore the file from a backup");
  }
  return key;
}

CurveKeys curve_keys_of(const EVP_PKEY* key) {
  CurveKeys keys;
  keys.public_key = openssl::raw_public_key(key);
  keys.secret_key.resize(public_key_bytes);
  std::size_t length = keys.secret_key.size();
  TRADEWIND_ASSERT(EVP_PKEY_get_raw_private_key(key, openssl::data(keys.secret_key), &length) == 1);
  TRADEWIND_ASSERT(length == public_key_bytes);
  return keys;
}

}  // namespace

SigningKey::SigningKey(std::shared_ptr<evp_pkey_st> key)
    : key_(std::move(key)), public_key_(openssl::raw_public_key(key_.get())) {}

SigningKey SigningKey::generate() {
  return SigningKey({generate_key(EVP_PKEY_ED25519), EVP_PKEY_free});
}

Result<SigningKey> SigningKey::from_seed(BytesView seed) {
  if (seed.size() != kSeedBytes) {
    return fail(ErrorCode::invalid, "seed",
                std::to_string(seed.size()) + " bytes are no Ed25519 seed", "give 32 bytes");
  }
  EVP_PKEY* const key =
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, openssl::data(seed), seed.size());
  TRADEWIND_ASSERT(key != nullptr);
  return SigningKey({key, EVP_PKEY_free});
}

Result<SigningKey> SigningKey::load(const std::filesystem::path& file) {
  auto key = load_key(file, EVP_PKEY_ED25519, "Ed25519");
  if (!key) return fail(key.error());
  return SigningKey({key->release(), EVP_PKEY_free});
}

Result<SigningKey> SigningKey::load_or_generate(const std::filesystem::path& file) {
  auto held = load(file);
  if (held || held.error().code != ErrorCode::not_found) return held;
  SigningKey fresh = generate();
  if (const Status saved = fresh.save(file); !saved) return fail(saved.error());
  return fresh;
}

std::string SigningKey::private_pem() const {
  return openssl::private_key_to_pem(key_.get());
}

Status SigningKey::save(const std::filesystem::path& file) const {
  const Wiped pem{private_pem()};
  return store_file(file, pem.bytes, private_mode);
}

Bytes SigningKey::sign(BytesView message) const {
  const openssl::DigestContext context(EVP_MD_CTX_new());
  TRADEWIND_ASSERT(context != nullptr &&
                   EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1);
  Bytes signature(signature_bytes, '\0');
  std::size_t length = signature.size();
  TRADEWIND_ASSERT(EVP_DigestSign(context.get(), openssl::data(signature), &length,
                                  openssl::data(message), message.size()) == 1);
  TRADEWIND_ASSERT(length == signature_bytes);
  return signature;
}

bool verify_signature(BytesView key, BytesView message, BytesView signature) {
  if (key.size() != public_key_bytes || signature.size() != signature_bytes) return false;
  static const bool ready = sodium_init() >= 0;  // picks the code for this processor
  TRADEWIND_ASSERT(ready);
  return crypto_sign_verify_detached(openssl::data(signature), openssl::data(message),
                                     message.size(), openssl::data(key)) == 0;
}

CurveKeys CurveKeys::generate() {
  const openssl::Key key(generate_key(EVP_PKEY_X25519));
  return curve_keys_of(key.get());
}

Result<CurveKeys> CurveKeys::load(const std::filesystem::path& file) {
  const auto key = load_key(file, EVP_PKEY_X25519, "X25519");
  if (!key) return fail(key.error());
  return curve_keys_of(key->get());
}

Result<CurveKeys> CurveKeys::load_or_generate(const std::filesystem::path& file) {
  auto held = load(file);
  if (held || held.error().code != ErrorCode::not_found) return held;
  CurveKeys fresh = generate();
  if (const Status saved = fresh.save(file); !saved) return fail(saved.error());
  return fresh;
}

Status CurveKeys::save(const std::filesystem::path& file) const {
  TRADEWIND_ASSERT(secret_key.size() == public_key_bytes);
  const openssl::Key key(EVP_PKEY_new_raw_private_key(
      EVP_PKEY_X25519, nullptr, openssl::data(BytesView(secret_key)), secret_key.size()));
  TRADEWIND_ASSERT(key != nullptr && openssl::raw_public_key(key.get()) == public_key);
  const Wiped pem{openssl::private_key_to_pem(key.get())};
  return store_file(file, pem.bytes, private_mode);
}

}  // namespace tradewind

#include "state/identity/verifying_key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "state/identity/keys.h"
#include "state/identity/openssl_handles.h"

namespace tradewind {
namespace {

using openssl::data;
using openssl::Owned;
using ParamBuild = Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Params = Owned<OSSL_PARAM, OSSL_PARAM_free>;
using EcdsaSignature = Owned<ECDSA_SIG, ECDSA_SIG_free>;

constexpr std::size_t p256_bytes = 32;
constexpr std::size_t exponent_bits_max = 32;

openssl::Number number_from(BytesView bytes) {
  return openssl::Number(BN_bin2bn(data(bytes), static_cast<int>(bytes.size()), nullptr));
}

// Null when the parameters make no public key of that type.
openssl::Key key_from(const char* type, OSSL_PARAM_BLD* build) {
  const Params params(OSSL_PARAM_BLD_to_param(build));
  const openssl::KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (params == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) <= 0 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) <= 0) {
    ERR_clear_error();
    return nullptr;
  }
  openssl::Key owned(key);
  const openssl::KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (check == nullptr || EVP_PKEY_public_check(check.get()) <= 0) {
    ERR_clear_error();
    return nullptr;
  }
  return owned;
}

// r and s side by side, as OpenSSL wants them: DER. Empty when they are no such numbers.
Bytes to_der(BytesView signature) {
  if (signature.size() != 2 * p256_bytes) return {};
  openssl::Number r = number_from(signature.substr(0, p256_bytes));
  openssl::Number s = number_from(signature.substr(p256_bytes));
  const EcdsaSignature both(ECDSA_SIG_new());
  if (r == nullptr || s == nullptr || both == nullptr ||
      ECDSA_SIG_set0(both.get(), r.get(), s.get()) != 1) {
    return {};
  }
  static_cast<void>(r.release());  // they are the signature's now
  static_cast<void>(s.release());
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(both.get(), &der);
  if (size <= 0) return {};
  Bytes bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return bytes;
}

}  // namespace

std::string_view to_string(SignatureAlgorithm algorithm) {
  switch (algorithm) {
    case SignatureAlgorithm::rs256: return "RS256";
    case SignatureAlgorithm::es256: return "ES256";
    case SignatureAlgorithm::eddsa: return "EdDSA";
  }
  return "RS256";
}

Result<VerifyingKey> VerifyingKey::rsa(std::string_view field, BytesView modulus,
                                       BytesView exponent) {
  const auto bad = [&](std::string message) {
    return fail(ErrorCode::invalid, std::string(field), std::move(message),
                "use RSA keys of 2048 to 8192 bits with the exponent 65537");
  };
  // Looked at before any number is made of them.
  if (modulus.size() > rsa_bits_max / 8 || exponent.size() > exponent_bits_max / 8) {
    return bad("the RSA key is too large");
  }
  const openssl::Number n = number_from(modulus);
  const openssl::Number e = number_from(exponent);
  if (n == nullptr || e == nullptr) return bad("the RSA key cannot be read");
  if (static_cast<std::size_t>(BN_num_bits(n.get())) < rsa_bits_min) {
    return bad("the RSA key has " + std::to_string(BN_num_bits(n.get())) + " bits");
  }
  if (BN_is_odd(e.get()) == 0 || BN_is_one(e.get()) != 0) return bad("the RSA exponent is unfit");
  const ParamBuild build(OSSL_PARAM_BLD_new());
  if (build == nullptr ||
      OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return bad("the RSA key cannot be read");
  }
  openssl::Key key = key_from("RSA", build.get());
  if (key == nullptr) return bad("the numbers make no RSA key");
  return VerifyingKey(SignatureAlgorithm::rs256, {key.release(), EVP_PKEY_free});
}

Result<VerifyingKey> VerifyingKey::p256(std::string_view field, BytesView x, BytesView y) {
  const auto bad = [&] {
    return fail(ErrorCode::invalid, std::string(field), "the numbers are no point of P-256",
                "give x and y of 32 bytes each");
  };
  if (x.size() != p256_bytes || y.size() != p256_bytes) return bad();
  const Bytes point = "\x04" + Bytes(x) + Bytes(y);
  const ParamBuild build(OSSL_PARAM_BLD_new());
  if (build == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) !=
          1 ||
      OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return bad();
  }
  openssl::Key key = key_from("EC", build.get());
  if (key == nullptr) return bad();
  return VerifyingKey(SignatureAlgorithm::es256, {key.release(), EVP_PKEY_free});
}

Result<VerifyingKey> VerifyingKey::ed25519(std::string_view field, BytesView bytes) {
  EVP_PKEY* const key =
      bytes.size() == public_key_bytes
          ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, data(bytes), bytes.size())
          : nullptr;
  if (key == nullptr) {
    return fail(ErrorCode::invalid, std::string(field), "it is no Ed25519 key", "give 32 bytes");
  }
  return VerifyingKey(SignatureAlgorithm::eddsa, {key, EVP_PKEY_free});
}

bool VerifyingKey::verify(BytesView message, BytesView signature) const {
  Bytes der;
  if (algorithm_ == SignatureAlgorithm::es256) {
    der = to_der(signature);
    if (der.empty()) return false;
    signature = der;
  }
  const EVP_MD* const digest = algorithm_ == SignatureAlgorithm::eddsa ? nullptr : EVP_sha256();
  const openssl::DigestContext context(EVP_MD_CTX_new());
  // RSA's padding is PKCS #1 v1.5 when nothing else is said.
  const bool good =
      context != nullptr &&
      EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key_.get()) == 1 &&
      EVP_DigestVerify(context.get(), data(signature), signature.size(), data(message),
                       message.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

}  // namespace tradewind

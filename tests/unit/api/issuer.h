// An OpenID Connect issuer for tests: real keys by OpenSSL, and a real server for its documents.
#pragma once

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "broker/api/http_server.h"
#include "broker/api/json.h"
#include "schemas/assert.h"
#include "schemas/time.h"
#include "state/identity/encoding.h"

namespace tradewind::testing {

class IssuerKey {
 public:
  static IssuerKey rsa(unsigned bits = 2'048) {
    return {"RS256", EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits))};
  }
  static IssuerKey p256() { return {"ES256", EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")}; }
  static IssuerKey ed25519() { return {"EdDSA", EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")}; }

  const std::string& algorithm() const { return algorithm_; }
  json::object jwk(const std::string& id) const {
    json::object out{{"kid", id}, {"use", "sig"}, {"alg", algorithm_}};
    if (algorithm_ == "RS256") {
      out["kty"] = "RSA";
      out["n"] = number(OSSL_PKEY_PARAM_RSA_N, 0);
      out["e"] = number(OSSL_PKEY_PARAM_RSA_E, 0);
    } else if (algorithm_ == "ES256") {
      out["kty"] = "EC";
      out["crv"] = "P-256";
      out["x"] = number(OSSL_PKEY_PARAM_EC_PUB_X, 32);
      out["y"] = number(OSSL_PKEY_PARAM_EC_PUB_Y, 32);
    } else {
      Bytes raw(32, '\0');
      std::size_t size = raw.size();
      EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &size);
      out["kty"] = "OKP";
      out["crv"] = "Ed25519";
      out["x"] = base64url_encode(raw);
    }
    return out;
  }
  std::string sign(const json::object& header, const json::object& claims) const {
    const std::string text =
        base64url_encode(to_text(header)) + "." + base64url_encode(to_text(claims));
    return text + "." + base64url_encode(signature(text));
  }
  Bytes signature(const std::string& text) const {
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    const auto* message = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t size = 0;
    TRADEWIND_ASSERT(EVP_DigestSignInit(context, nullptr,
                                        algorithm_ == "EdDSA" ? nullptr : EVP_sha256(), nullptr,
                                        key_.get()) == 1);
    TRADEWIND_ASSERT(EVP_DigestSign(context, nullptr, &size, message, text.size()) == 1);
    Bytes bytes(size, '\0');
    auto* out = reinterpret_cast<unsigned char*>(bytes.data());
    TRADEWIND_ASSERT(EVP_DigestSign(context, out, &size, message, text.size()) == 1);
    bytes.resize(size);
    EVP_MD_CTX_free(context);
    if (algorithm_ != "ES256") return bytes;
    const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
    ECDSA_SIG* const both = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(bytes.size()));
    Bytes raw(64, '\0');
    auto* place = reinterpret_cast<unsigned char*>(raw.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(both), place, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(both), place + 32, 32);
    ECDSA_SIG_free(both);
    return raw;
  }

 private:
  IssuerKey(std::string algorithm, EVP_PKEY* key)
      : algorithm_(std::move(algorithm)), key_(key, EVP_PKEY_free) {
    TRADEWIND_ASSERT(key != nullptr);
  }
  std::string number(const char* name, int bytes) const {
    BIGNUM* value = nullptr;
    TRADEWIND_ASSERT(EVP_PKEY_get_bn_param(key_.get(), name, &value) == 1);
    Bytes out(static_cast<std::size_t>(bytes > 0 ? bytes : BN_num_bytes(value)), '\0');
    BN_bn2binpad(value, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
    BN_free(value);
    return base64url_encode(out);
  }

  std::string algorithm_;
  std::shared_ptr<EVP_PKEY> key_;
};

inline std::string jwks(std::initializer_list<json::object> keys) {
  json::array list;
  for (const json::object& each : keys) list.push_back(each);
  return to_text(json::object{{"keys", list}});
}

inline std::int64_t now_seconds() {
  return to_ms(system_now().wall) / 1'000;
}

// With `changes` on top; null takes a member out.
inline json::object changed(json::object out, const json::object& changes) {
  for (const auto& each : changes) {
    if (each.value().is_null()) {
      out.erase(each.key());
    } else {
      out[each.key()] = each.value();
    }
  }
  return out;
}

class Issuer {
 public:
  Issuer() {
    HttpServerOptions options;
    options.counters = std::make_shared<HttpCounters>();
    options.threads = 1;
    options.body_rule = [](auto...) { return BodyRule{}; };
    options.refusal = [](int status, const std::string&) {
      HttpResponse response;
      response.status = status;
      return response;
    };
    options.handle = [this](const HttpRequest& request, const Responder& responder) {
      responder.send(answer(request.path));
    };
    auto server = HttpServer::start(std::move(options));
    TRADEWIND_ASSERT(server.has_value());
    server_ = std::move(*server);
  }
  ~Issuer() { server_->stop(); }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
  void serve(std::string keys) {
    const std::lock_guard lock(mutex_);
    keys_ = std::move(keys);
  }
  // It answers nothing but 503.
  void be_away(bool away) { away_ = away; }
  int fetches() const { return fetches_; }

  // What a good token says; `changes` on top, null takes a claim out.
  json::object claims(const json::object& changes = {}) const {
    json::object out{{"iss", url()},
                     {"aud", "tradewind"},
                     {"sub", "ann"},
                     {"iat", now_seconds()},
                     {"exp", now_seconds() + 300},
                     {"tradewind_role", "members"},
                     {"tradewind_tenant", "alpha"}};
    return changed(std::move(out), changes);
  }
  std::string token(const IssuerKey& key, const std::string& id,
                    const json::object& changes = {}) const {
    return key.sign({{"alg", key.algorithm()}, {"kid", id}, {"typ", "JWT"}}, claims(changes));
  }

 private:
  HttpResponse answer(const std::string& path) {
    const std::lock_guard lock(mutex_);
    HttpResponse response;
    if (away_) {
      response.status = 503;
    } else if (path == "/.well-known/openid-configuration") {
      response.body = to_text(json::object{{"issuer", url()}, {"jwks_uri", url() + "/keys"}});
    } else if (path == "/keys") {
      ++fetches_;
      response.body = keys_;
    } else {
      response.status = 404;
    }
    return response;
  }

  std::mutex mutex_;  // guards what follows
  std::string keys_;
  std::atomic<bool> away_ = false;
  std::atomic<int> fetches_ = 0;
  std::unique_ptr<HttpServer> server_;  // last: its threads use the above
};

}  // namespace tradewind::testing

// Certificates that no authority of ours would issue, for showing that they are refused.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "schemas/time.h"
#include "state/identity/authority.h"
#include "state/identity/keys.h"

namespace tradewind {

struct Forgery {
  std::vector<std::string> names = {"URI:spiffe://example/site/jp-osaka-1"};  // OpenSSL's syntax
  std::string constraints = "critical,CA:FALSE";                              // empty: none
  std::string usage = "critical,digitalSignature";
  std::string extended_usage = "clientAuth,serverAuth";
  std::string unknown_critical;  // an object id
  bool twice_named = false;      // two extensions of alternative names
  bool of_curve_p256 = false;    // the subject's key
  Wall::time_point not_before{};
  Wall::time_point not_after{};
};

// Signed by the key, with the subject name of the issuer's certificate (PEM) as its issuer.
std::string forge(const Forgery& forgery, const SigningKey& issuer_key,
                  const std::string& issuer_pem);

// A request for a key of another kind than Ed25519: "EC" of the given curve.
std::string request_of_curve(const char* curve);

// The PEM with one byte of its DER form changed.
std::string with_changed_byte(const std::string& pem, std::size_t at);
std::size_t der_size(const std::string& pem);

// The subject alternative names as OpenSSL prints them.
std::string printed_names(const std::string& certificate_pem);
// The whole certificate as OpenSSL prints it.
std::string printed(const std::string& certificate_pem);

}  // namespace tradewind

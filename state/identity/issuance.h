// Putting together and signing a certificate. Only this room's sources include it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "schemas/time.h"
#include "state/identity/openssl_handles.h"

namespace tradewind::openssl {

struct Blank {
  std::string common_name;
  EVP_PKEY* subject_key = nullptr;
  X509* issuer = nullptr;  // null: self-signed
  EVP_PKEY* issuer_key = nullptr;
  Wall::time_point not_before{};
  Wall::time_point not_after{};
  // In OpenSSL's configuration syntax, so made of checked parts only.
  std::vector<std::pair<int, std::string>> extensions;
  Names names;  // subject alternative names; null: none
};

// A version 3 certificate with a random 127-bit serial number and key identifiers.
Certificate issue(const Blank& blank);

Name uri_name(const std::string& uri);
// Of a DNS name or an IP address; null when it is neither.
Name server_name(const std::string& text);

}  // namespace tradewind::openssl

#include "state/identity/issuance.h"

#include <arpa/inet.h>
#include <openssl/err.h>

#include <algorithm>

#include "state/identity/random.h"

namespace tradewind::openssl {
namespace {

void set_serial(X509* certificate) {
  Bytes serial = random_bytes(16);
  serial[0] = static_cast<char>(serial[0] & 0x7f);  // serial numbers are positive
  const Number number(BN_bin2bn(data(BytesView(serial)), static_cast<int>(serial.size()), nullptr));
  TRADEWIND_ASSERT(number != nullptr &&
                   BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

void set_time(ASN1_TIME* field, Wall::time_point at) {
  TRADEWIND_ASSERT(
      ASN1_TIME_set(
          field, std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count()) !=
      nullptr);
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer == nullptr ? certificate : issuer, certificate, nullptr, nullptr,
                 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  TRADEWIND_ASSERT(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

Name text_name(int type, const std::string& text) {
  Name name(GENERAL_NAME_new());
  ASN1_IA5STRING* const value = ASN1_IA5STRING_new();
  TRADEWIND_ASSERT(name != nullptr && value != nullptr &&
                   ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) == 1);
  GENERAL_NAME_set0_value(name.get(), type, value);
  return name;
}

// RFC 1123 host names, with a wildcard allowed as the whole first label.
bool is_dns_name(std::string_view text) {
  if (text.starts_with("*.")) text.remove_prefix(2);
  if (text.empty() || text.size() > 253) return false;
  std::size_t label = 0;
  char before = '.';
  for (const char each : text) {
    if (each == '.') {
      if (label == 0 || before == '-') return false;
      label = 0;
    } else {
      const bool plain = (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
                         (each >= '0' && each <= '9');
      if (!plain && (each != '-' || label == 0)) return false;
      if (++label > 63) return false;
    }
    before = each;
  }
  // A name whose last label is all digits would be read as an IPv4 address by others.
  const std::string_view last = text.substr(text.rfind('.') + 1);
  return label > 0 && before != '-' &&
         !std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Certificate issue(const Blank& blank) {
  Certificate certificate(X509_new());
  TRADEWIND_ASSERT(certificate != nullptr);
  X509* const raw = certificate.get();
  TRADEWIND_ASSERT(X509_set_version(raw, X509_VERSION_3) == 1);
  set_serial(raw);
  set_time(X509_getm_notBefore(raw), blank.not_before);
  set_time(X509_getm_notAfter(raw), blank.not_after);
  X509_NAME* const subject = X509_get_subject_name(raw);
  TRADEWIND_ASSERT(
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, data(BytesView(blank.common_name)),
                                 static_cast<int>(blank.common_name.size()), -1, 0) == 1);
  TRADEWIND_ASSERT(X509_set_issuer_name(raw, blank.issuer == nullptr
                                                 ? subject
                                                 : X509_get_subject_name(blank.issuer)) == 1);
  TRADEWIND_ASSERT(X509_set_pubkey(raw, blank.subject_key) == 1);
  add_extension(raw, blank.issuer, NID_subject_key_identifier, "hash");
  add_extension(raw, blank.issuer, NID_authority_key_identifier, "keyid:always");
  for (const auto& [kind, value] : blank.extensions) add_extension(raw, blank.issuer, kind, value);
  if (blank.names != nullptr) {
    TRADEWIND_ASSERT(X509_add1_ext_i2d(raw, NID_subject_alt_name, blank.names.get(), 0,
                                       X509V3_ADD_DEFAULT) == 1);
  }
  // Ed25519 hashes by itself: no digest is named.
  TRADEWIND_ASSERT(X509_sign(raw, blank.issuer_key, nullptr) > 0);
  return certificate;
}

Name uri_name(const std::string& uri) {
  return text_name(GEN_URI, uri);
}

Name server_name(const std::string& text) {
  unsigned char address[sizeof(in6_addr)];
  for (const auto& [family, length] : {std::pair{AF_INET, 4}, std::pair{AF_INET6, 16}}) {
    if (::inet_pton(family, text.c_str(), address) != 1) continue;
    Name name(GENERAL_NAME_new());
    ASN1_OCTET_STRING* const value = ASN1_OCTET_STRING_new();
    TRADEWIND_ASSERT(name != nullptr && value != nullptr &&
                     ASN1_OCTET_STRING_set(value, address, length) == 1);
    GENERAL_NAME_set0_value(name.get(), GEN_IPADD, value);
    return name;
  }
  return is_dns_name(text) ? text_name(GEN_DNS, text) : nullptr;
}

}  // namespace tradewind::openssl

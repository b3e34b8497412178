#include "gateway/staging/s3_signature.h"

#include <fmt/format.h>

#include <chrono>
#include <ctime>

#include "state/identity/digest.h"
#include "state/identity/encoding.h"

namespace tradewind {
namespace {

// 20130524T000000Z
std::string basic_time(Wall::time_point now) {
  const std::time_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace

std::string s3_encoded(std::string_view text, bool keep_slash) {
  std::string encoded;
  for (const char each : text) {
    const bool plain = (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
                       (each >= '0' && each <= '9') || each == '-' || each == '.' || each == '_' ||
                       each == '~' || (keep_slash && each == '/');
    if (plain) {
      encoded += each;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(each));
    }
  }
  return encoded;
}

std::string s3_query(const std::map<std::string, std::string>& query) {
  std::string text;
  for (const auto& [name, value] : query) {
    if (!text.empty()) text += '&';
    text += s3_encoded(name, false) + "=" + s3_encoded(value, false);
  }
  return text;
}

std::vector<std::string> s3_signature(const S3Request& request, const S3Credentials& credentials,
                                      std::string_view region, Wall::time_point now,
                                      const std::map<std::string, std::string>& also_signed) {
  const std::string time = basic_time(now);
  const std::string day = time.substr(0, 8);
  std::map<std::string, std::string> headers = also_signed;
  headers["host"] = request.host;
  headers["x-amz-content-sha256"] = request.payload_sha256;
  headers["x-amz-date"] = time;
  std::string lines;
  std::string names;
  for (const auto& [name, value] : headers) {
    lines += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string canonical =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, request.path, s3_query(request.query),
                  lines, names, request.payload_sha256);
  const std::string scope = fmt::format("{}/{}/s3/aws4_request", day, region);
  const std::string to_sign =
      fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, scope, hex(sha256(canonical)));
  Bytes key = hmac_sha256("AWS4" + credentials.secret_access_key, day);
  for (const std::string_view each :
       {region, std::string_view("s3"), std::string_view("aws4_request")}) {
    key = hmac_sha256(key, each);
  }
  return {
      fmt::format("Authorization: AWS4-HMAC-SHA256 Credential={}/{},SignedHeaders={},Signature={}",
                  credentials.access_key_id, scope, names, hex(hmac_sha256(key, to_sign))),
      "x-amz-content-sha256: " + request.payload_sha256, "x-amz-date: " + time};
}

}  // namespace tradewind

// AWS signature version 4 for S3, as "Authenticating Requests: Using the Authorization Header" of
// the Amazon S3 API reference has it. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/time.h"

namespace tradewind {

struct S3Credentials {
  std::string access_key_id;
  std::string secret_access_key;
};

struct S3Request {
  std::string method;
  std::string host;  // as the Host header has it, with a port that is not the scheme's own
  std::string path;  // from "/", percent-encoded once (s3_encoded)
  std::map<std::string, std::string> query;  // not encoded
  std::string payload_sha256;                // lower-case hex, of the body
};

// Percent-encodes all but A-Z, a-z, 0-9, "-", ".", "_", "~" and, where it is kept, "/".
std::string s3_encoded(std::string_view text, bool keep_slash);
// "a=1&b=2", encoded and in the order of the names; empty of none.
std::string s3_query(const std::map<std::string, std::string>& query);

// The header lines that sign the request: Authorization, x-amz-content-sha256 and x-amz-date. Good
// for 15 minutes. `also_signed` are further headers of it, by lower-case name.
std::vector<std::string> s3_signature(const S3Request& request, const S3Credentials& credentials,
                                      std::string_view region, Wall::time_point now,
                                      const std::map<std::string, std::string>& also_signed = {});

}  // namespace tradewind

// Objects in S3 and in stores that speak its API: s3://bucket/key, signed with the site's
// credentials, in the buckets that the site has opened. Blocking; any thread.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

#include "gateway/staging/http_transfer.h"
#include "gateway/staging/policy.h"
#include "gateway/staging/s3_signature.h"
#include "schemas/result.h"

namespace tradewind {

// Where the object lies, with requests signed for it. The URL is one that check_source() let pass.
Result<HttpTarget> s3_target(const StagingPolicy& policy, std::string_view field,
                             const std::string& url);

// Puts the file there: in one piece, or in several where it is larger than one (64 MiB, or as much
// more as 10,000 pieces need), each with its digest for the server to check. What has come of a
// failed upload is removed again.
Status s3_upload(const StagingPolicy& policy, std::string_view field, const std::string& url,
                 int fd, std::uint64_t size_bytes, const std::string& sha256,
                 const std::stop_token& stop);

// Reads a file of two lines, the id of the access key and the secret, that only its owner may read.
// Fails with forbidden or unavailable, naming the file.
Result<S3Credentials> read_s3_credentials(std::string_view field, const std::string& file);

// The text of the first element of that name without elements in it, its five named entities put
// in; empty when the document has none.
std::string s3_element(std::string_view document, std::string_view name);

}  // namespace tradewind

// What S3 servers answer, and what jobs name there: no bytes may crash the reader, nothing grows,
// and no key leads out of its bucket.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/staging/policy.h"
#include "gateway/staging/s3.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

void fuzz(std::string_view text) {
  for (const char* name : {"UploadId", "Code"}) {
    const std::string found = s3_element(text, name);
    TRADEWIND_ASSERT(found.size() <= text.size());
    TRADEWIND_ASSERT(s3_query({{"uploadId", found}}).find_first_of(" #\r\n") == std::string::npos);
  }
  const auto named = split_s3_url("url", "s3://" + std::string(text));
  if (!named) return;
  const std::string path = "/" + s3_encoded(named->key, true) + "/";
  TRADEWIND_ASSERT(path.find("/../") == std::string::npos && path.find("/./") == std::string::npos);
  TRADEWIND_ASSERT(named->bucket.find('/') == std::string::npos);
}

}  // namespace
}  // namespace tradewind

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tradewind::fuzz(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}

// Copies and digests files of this machine. Blocking; any thread.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

#include "gateway/staging/budget.h"
#include "schemas/result.h"

namespace tradewind {

struct Digested {
  std::uint64_t size_bytes = 0;
  std::string sha256;  // lower-case hex
};

// Copies all of `from` into the empty file `to` (sharing blocks where the file system can) and
// digests what was copied. At most `bytes_max` of the file and what the budget has left. `field`
// and `name` go into errors: too_large, or unavailable.
Result<Digested> copy_and_digest(int from, int to, std::string_view field, std::string_view name,
                                 std::uint64_t bytes_max, StagingBudget& budget,
                                 const std::stop_token& stop);

// The digest of the whole file.
Result<Digested> digest_file(int fd, std::string_view field, std::string_view name,
                             std::uint64_t bytes_max, StagingBudget& budget,
                             const std::stop_token& stop);

// Writes all bytes. errno tells why when it is false.
bool write_all(int fd, std::string_view bytes);

}  // namespace tradewind

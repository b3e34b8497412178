// Stages one input in. Blocking; any thread.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

#include "gateway/staging/budget.h"
#include "gateway/staging/policy.h"
#include "gateway/staging/rooted_directory.h"
#include "schemas/dispatch.h"
#include "schemas/job.h"
#include "schemas/result.h"

namespace tradewind {

// What was staged, and how it went.
struct Fetched {
  StagedInput input;  // its url without credentials
  std::uint64_t files = 1;
  std::uint64_t resumed_bytes = 0;
  std::uint32_t tries = 1;
  std::uint32_t ranges = 1;  // that came at once
  // What of it came over the network just now, and in which time.
  std::uint64_t network_bytes = 0;
  std::uint64_t network_milliseconds = 0;
  bool was_held = false;      // the site had it already
  std::string cache_problem;  // why it was not kept for later, where it should have been
};

// Brings `input`, which has content or else its first replica's URL, to its path below `files`:
// - content, or a copy of a file: URL, or a GET of an http(s) URL that is resumed when it breaks
// off;
// - of type DIRECTORY: a copy of all regular files below a file: URL (links to files below it are
//   followed, other links and special files refused).
// An input with a digest and a label comes from the site's cache when that has it, and is kept
// there when it has come over the network: the job gets a copy, whose digest is checked each time.
// A partial download lies beside the target under a hidden name. The file gets mode 0755 when it is
// executable (or, in a directory, was), else 0644. A directory's digest is the SHA-256 of the lines
// "<sha256>  <relative path>\n" of its files in the order of their paths' bytes.
// A given sha256 must match. Errors name `field` or a field below it, and never hold credentials.
Result<Fetched> fetch(const StagingPolicy& policy, std::string_view field, const Input& input,
                      const RootedDirectory& files, StagingBudget& budget,
                      const std::stop_token& stop);

}  // namespace tradewind

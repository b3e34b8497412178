// Where trust records are kept: a folder with a file "<version>.trust" for each version from the
// first that was trusted. Any thread; one process writes.
#pragma once

#include <filesystem>

#include "schemas/result.h"
#include "state/identity/trust.h"

namespace tradewind {

// The whole chain; the first one is trusted because it is there. Fails with not_found for a folder
// without records, corrupt when they do not follow on one another.
Result<TrustChain> load_trust(const std::filesystem::path& folder);
// One record, which may be an unsigned draft. Fails with not_found, unavailable, too_large or
// invalid.
Result<SignedTrust> load_trust_file(const std::filesystem::path& file);
std::filesystem::path trust_file(const std::filesystem::path& folder, std::uint64_t version);
// Writes those that are not there yet; makes the folder.
Status save_trust(const std::filesystem::path& folder, const TrustChain& chain);

}  // namespace tradewind

// The first trust record of a federation that began before there were any. All that it says follows
// from what its members were given to trust then, the authority's certificate and the registry key,
// so that everybody comes to the same record without being told: its only root is the registry key,
// and it ends with the certificate.
#pragma once

#include <filesystem>
#include <string_view>

#include "schemas/ids.h"
#include "schemas/result.h"
#include "state/identity/trust.h"

namespace tradewind {

inline constexpr const char* former_certificate_file = "ca.crt";  // of an authority's directory

// Unsigned. Pure; any thread. Fails with ErrorCode::invalid for what is no certificate or key.
Result<TrustRecord> former_trust(const FederationId& federation, std::string_view certificate_pem,
                                 const Bytes& registry_key);

// That of an authority's directory of then (`federation`, `ca.crt`, `ca.key`, `registry.key`),
// signed by the registry key. Fails with not_found when it is none, or as reading its files does.
Result<TrustChain> load_former_trust(const std::filesystem::path& directory);

}  // namespace tradewind

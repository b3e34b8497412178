// One POST to a broker that is known only by the fingerprint of its federation's CA certificate.
#pragma once

#include <chrono>
#include <string>

#include "schemas/result.h"

namespace tradewind {

// Sends `body` as JSON and returns the answer's body. Blocks, for at most `timeout`.
//
// Over https the server must show a chain that ends at the CA certificate whose SHA-256 (of the DER
// bytes, 32 raw bytes) is `ca_sha256`, or at one of the system's roots; host names are checked in
// both cases. Plain http goes to loopback addresses only, and never by a proxy. Redirects are not
// followed.
//
// Fails with `invalid` for a URL that will never do, `unavailable` or `maybe_delivered` when nobody
// answered, and else with the server's own problem.
Result<std::string> post_pinned(const std::string& url, const std::string& body,
                                const Bytes& ca_sha256, std::chrono::seconds timeout);

}  // namespace tradewind

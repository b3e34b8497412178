// One request to the endpoint of a broker that is known only by its federation's trust record.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "schemas/result.h"
#include "state/identity/trust.h"

namespace tradewind {

struct BrokerConnection {
  std::string url;  // "https://broker.example.org", without a slash at its end
  std::chrono::seconds timeout{30};
  // Ends what is under way soon after it has become true; may be null.
  const std::atomic<bool>* canceled = nullptr;
};

// Sends `body` as JSON to the path and returns the answer's body. Blocks, for at most the timeout.
//
// Over https the server must show a chain that ends at one of the record's issuers, or at one of
// the system's roots; host names are checked in both cases. Plain http goes to loopback addresses
// only, and never by a proxy. Redirects are not followed.
//
// Fails with `invalid` for a URL that will never do, `unavailable` or `maybe_delivered` when nobody
// answered, and else with the server's own problem.
Result<std::string> post_to_broker(const BrokerConnection& broker, const std::string& path,
                                   const std::string& body, const TrustRecord& trust);

// The trust records after `version`, oldest first, with all that they say to be checked: records
// prove themselves, so whoever answers is taken to be the broker. Fails as post_to_broker, and with
// `corrupt` for an answer that holds none.
Result<std::vector<SignedTrust>> fetch_trust(const BrokerConnection& broker, std::uint64_t version);

}  // namespace tradewind

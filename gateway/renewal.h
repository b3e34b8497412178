// Renewing the site's certificate at the broker's endpoint, and with it rotating its keys: the same
// request whether the certificate is still good or has expired long ago. What is under way is on
// disk before it is asked for, so that a renewal whose answer was lost is asked for again as the
// same one; only two machines with one identity ask for two.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "gateway/broker_request.h"
#include "gateway/membership.h"
#include "gateway/store.h"
#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

// Whether keys wait in the directory to take over.
bool rotation_waits(const std::filesystem::path& directory);
// Makes these keys, unless some wait already.
Status prepare_rotation(const std::filesystem::path& directory);

// Whether a renewal was asked for whose answer has not come.
bool renewal_waits(const std::filesystem::path& directory);
// renewal.json of a site that has just joined, or been answered: that many renewals are known.
Status save_renewals(const std::filesystem::path& directory, std::uint64_t renewals);

struct Renewed {
  MembershipPapers papers;
  NodeKeys keys;  // those that are certified
};

// The chain with the broker's later records, the newest in force. Blocks.
Result<TrustChain> walk_trust(const BrokerConnection& broker, TrustChain chain,
                              Wall::time_point now);

// One try; blocks. Walks the trust records on first. Only one may be under way for a directory.
Result<Renewed> ask_renewal(const BrokerConnection& broker, const std::filesystem::path& directory,
                            const SiteId& site, TrustChain trust, Wall::time_point now);
// Checks the answer as check_membership and stores it; the keys that waited are in their places
// then.
Result<Membership> keep_renewal(const std::filesystem::path& directory, Store& store,
                                Renewed renewed, Wall::time_point now);

// The member records and the certificate of a broker's answer to a join or a renewal, with the
// trust chain that they are to be held against. Fails with corrupt. What they say is not checked.
Result<MembershipPapers> read_papers(const std::string& answer, TrustChain trust);

}  // namespace tradewind

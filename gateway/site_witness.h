// The site as a witness of its federation's transparency logs (C2SP tlog-witness, over the link):
// it cosigns a broker's checkpoint when that continues what it cosigned before. One thread.
#pragma once

#include <filesystem>
#include <map>
#include <memory>

#include "gateway/store.h"
#include "schemas/dispatch.h"
#include "schemas/ids.h"
#include "schemas/record.h"
#include "schemas/result.h"
#include "schemas/time.h"
#include "state/identity/keys.h"
#include "state/transparency/policy.h"
#include "state/transparency/witness.h"

namespace tradewind {

// The witness's key, witness.key in the gateway's directory; made when there is none. It signs
// nothing else.
Result<SigningKey> load_or_make_witness_key(const std::filesystem::path& directory);

// What a policy says of the site's witness: its name is the site's, its key's name
// "<site>.<federation>/witness", and it is reached at "site:<site>", by the site's link.
PolicyWitness site_witness_line(const SiteId& site, const FederationId& federation,
                                const SigningKey& key);

class SiteWitness {
 public:
  // Goes on from what the store, which must outlive it, has. Fails as the store does, and with
  // ErrorCode::corrupt when what is there was not cosigned by this key.
  static Result<std::unique_ptr<SiteWitness>> open(const SiteId& site,
                                                   const FederationId& federation, SigningKey key,
                                                   Store& store);

  // A member record that the registry signed: logs are those that the brokers' records name.
  void learn(const Member& member);

  // What it saw is on disk when it returns. Fails as the store does: then no signature leaves, and
  // it is ahead of the disk, so that the process should end.
  Result<CosignAnswer> answer(const CosignCheckpoint& request, Wall::time_point now);

 private:
  SiteWitness(Witness witness, Store& store) : witness_(std::move(witness)), store_(store) {}

  Witness witness_;
  Store& store_;
  std::map<NodeId, VerifierKey> logs_;  // of each broker
};

}  // namespace tradewind

// Who must have signed the market records that a log tells of: the registry the members' own, each
// member the others about it. Pure; one thread.
#pragma once

#include <map>
#include <optional>

#include "schemas/ids.h"
#include "schemas/record.h"
#include "schemas/result.h"
#include "schemas/time.h"
#include "state/identity/trust.h"

namespace tradewind {

class RecordSigners {
 public:
  // The trust record that was in force when the log began, and those after it that are known. None:
  // whatever is asked about is right.
  explicit RecordSigners(std::optional<TrustChain> trust) : trust_(std::move(trust)) {}
  bool known() const { return trust_.has_value(); }

  // Fails with corrupt, naming "data.body" of a member that has not come, or "data.signature". The
  // broker tells of a record when a decision first rests on it, which may be after its subject has
  // changed its key: what was issued before that may be signed by the former one.
  Status check(const SignedRecord& record, const RecordHeader& header) const;
  // A member record that was found right.
  void learn(const Member& member, Wall::time_point issued);
  // The log's next trust record; one that is known already is passed over. Fails as
  // TrustChain::extend.
  Status learn(SignedTrust trust);

 private:
  struct IdentityKey {
    Bytes key;
    Bytes former;  // empty: none
    Wall::time_point changed{};
  };
  std::optional<TrustChain> trust_;
  std::map<NodeId, IdentityKey> keys_;
};

}  // namespace tradewind

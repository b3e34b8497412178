#include "broker/audit/record_signers.h"

#include <algorithm>
#include <utility>

#include "schemas/limits.h"
#include "state/identity/records.h"

namespace tradewind {

Status RecordSigners::check(const SignedRecord& record, const RecordHeader& header) const {
  if (!trust_) return ok();
  const auto signs = [&](const Bytes& key) {
    return verify_record(key, record.body, record.signature);
  };
  if (header.kind == RecordKind::member) {
    const auto& trusts = trust_->all();
    const bool good = std::any_of(trusts.rbegin(), trusts.rend(), [&](const SignedTrust& each) {
      return std::ranges::any_of(each.record.registry_keys, signs);
    });
    if (good) return ok();
    return fail(ErrorCode::corrupt, "data.signature", "is not that of the registry");
  }
  const auto known = keys_.find(header.subject);
  if (known == keys_.end()) {
    return fail(ErrorCode::corrupt, "data.body",
                "speaks of " + header.subject.value + ", whose member record has not come");
  }
  const IdentityKey& identity = known->second;
  if (signs(identity.key)) return ok();
  // Its clock and the registry's need not agree.
  const bool before = header.issued <= identity.changed + limits::clock_skew_max;
  if (before && !identity.former.empty() && signs(identity.former)) return ok();
  return fail(ErrorCode::corrupt, "data.signature", "is not that of " + header.subject.value);
}

void RecordSigners::learn(const Member& member, Wall::time_point issued) {
  IdentityKey& held = keys_[member.node];
  if (held.key == member.identity_key) return;
  held = {member.identity_key, std::move(held.key), issued};
}

Status RecordSigners::learn(SignedTrust trust) {
  if (!trust_ || trust.record.version <= trust_->newest().version) return ok();
  return trust_->extend(std::move(trust));
}

}  // namespace tradewind

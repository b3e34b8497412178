#include "broker/core/registry.h"

#include <algorithm>
#include <utility>

#include "schemas/assert.h"
#include "schemas/codec.h"
#include "state/identity/certificates.h"
#include "state/identity/join.h"
#include "state/identity/records.h"

namespace tradewind {
namespace {

Error unknown_token() {
  return Error{ErrorCode::forbidden, "token", "is not known, was used by another or has expired",
               "ask an operator of the federation for a new one"};
}

}  // namespace

void Registry::apply(const Entry& entry) {
  if (const auto* invite = std::get_if<InviteIssued>(&entry.body)) {
    invitations_[invite->token_sha256] =
        Invitation{invite->site, invite->units_max, invite->expires};
  } else if (const auto* changed = std::get_if<MemberChanged>(&entry.body)) {
    auto record = decode_record(changed->record.body);
    TRADEWIND_ASSERT(record.has_value() &&
                     std::holds_alternative<Member>(record->body));  // we signed it
    const Member member = std::get<Member>(record->body);
    last_number_ = std::max(last_number_, member.number.value);
    invitations_.erase(changed->token_sha256);
    members_[member.node] = Held{changed->record, std::move(*record), changed->token_sha256};
  }
}

Entry Registry::sign(Member member, std::string token_sha256, Now now) const {
  RecordVersion version{1, 1};
  if (const auto held = members_.find(member.node); held != members_.end()) {
    version.version = held->second.record.header.version.version + 1;
    if (token_sha256.empty()) token_sha256 = held->second.token_sha256;
  }
  return Entry{now.wall, MemberChanged{make_member_record(authority_.registry_key(), member,
                                                          version, now, member_validity),
                                       std::move(token_sha256)}};
}

Result<RegistryChange<Invite>> Registry::invite(const SiteId& site, std::uint32_t units_max,
                                                std::chrono::seconds ttl, Now now) {
  if (auto named = check_name("site", site.value); !named) return fail(std::move(named.error()));
  if (ttl.count() < 1 || ttl > invite_ttl_max) {
    return fail(ErrorCode::invalid, "ttl_seconds", std::to_string(ttl.count()) + " is out of range",
                "give 1 to 604800 seconds");
  }
  const Member* member = find(site_node(site));
  if (member != nullptr && member->state == MemberState::revoked) {
    return fail(ErrorCode::conflict, "site", "\"" + site.value + "\" was revoked for good",
                "choose another id");
  }
  std::erase_if(invitations_, [&](const auto& each) { return each.second.expires <= now.wall; });
  if (invitations_.size() >= invites_max) {
    return fail(ErrorCode::exhausted, "site", "there are 10,000 invitations already",
                "wait until some expire");
  }
  const JoinToken token = make_join_token(authority_.certificate_sha256());
  RegistryChange<Invite> change;
  change.answer = Invite{to_string(token), site, now.wall + ttl};
  change.entries.push_back(
      Entry{now.wall, InviteIssued{hex(token_sha256(token)), site, units_max, now.wall + ttl}});
  apply(change.entries.back());
  return change;
}

Result<RegistryChange<JoinAnswer>> Registry::join(const JoinRequest& request, Now now) {
  const auto token = parse_join_token(request.token);
  if (!token) return fail(token.error());
  if (token->ca_sha256 != authority_.certificate_sha256()) return fail(unknown_token());
  const std::string digest = hex(token_sha256(*token));
  const NodeId node = site_node(request.site);
  const auto held = members_.find(node);
  const Member* member = find(node);
  const bool repeated = held != members_.end() && held->second.token_sha256 == digest;
  const auto invitation = invitations_.find(digest);
  if (!repeated && (invitation == invitations_.end() || invitation->second.expires <= now.wall)) {
    return fail(unknown_token());
  }
  if (!repeated && invitation->second.site != request.site) {
    return fail(ErrorCode::forbidden, "site",
                "the token was made for another site than \"" + request.site.value + "\"",
                "use the id that the invitation names");
  }
  const auto identity_key = csr_public_key(request.csr_pem);
  if (!identity_key) return fail(identity_key.error());
  if (request.curve_key.size() != public_key_bytes) {
    return fail(ErrorCode::invalid, "curve_key", "is not 32 bytes long",
                "send the raw CURVE public key");
  }
  if (!verify_join_proof(*identity_key, *token, request.curve_key, request.proof)) {
    return fail(ErrorCode::forbidden, "proof",
                "is no signature by the request's key over this token and link key",
                "sign with the identity key of the certificate request");
  }
  const bool same_keys = member != nullptr && member->identity_key == *identity_key &&
                         member->curve_key == request.curve_key;
  if (repeated && !same_keys) return fail(unknown_token());
  if (member != nullptr && member->state == MemberState::revoked) {
    return fail(ErrorCode::forbidden, "site", "\"" + request.site.value + "\" was revoked",
                "ask an operator");
  }
  for (const auto& [other, each] : members_) {
    const auto& theirs = std::get<Member>(each.record.body);
    if (other != node &&
        (theirs.identity_key == *identity_key || theirs.curve_key == request.curve_key)) {
      return fail(ErrorCode::conflict, "csr_pem", "these keys belong to another member",
                  "let each site make keys of its own");
    }
  }
  auto certificate = authority_.issue(request.csr_pem, node, certificate_lifetime, now.wall);
  if (!certificate) return fail(std::move(certificate.error()));

  RegistryChange<JoinAnswer> change;
  if (!repeated) {
    Member joined;
    joined.node = node;
    joined.number = member != nullptr ? member->number : MemberNumber{last_number_ + 1};
    joined.identity_key = *identity_key;
    joined.curve_key = request.curve_key;
    joined.units_max = invitation->second.units_max;
    change.entries.push_back(sign(std::move(joined), digest, now));
    apply(change.entries.back());
    change.publish.push_back(members_.at(node).signed_record);
  }
  change.answer = answer_for(node, std::move(*certificate));
  return change;
}

JoinAnswer Registry::answer_for(const NodeId& node, std::string certificate_pem) const {
  return JoinAnswer{std::move(certificate_pem), authority_.certificate_pem(),
                    members_.at(node).signed_record, records(),
                    authority_.registry_key().public_key()};
}

Result<RegistryChange<SignedRecord>> Registry::admit_broker(Member broker, Now now) {
  RegistryChange<SignedRecord> change;
  const NodeId node = broker.node;
  for (const auto& [other, each] : members_) {
    const auto& theirs = std::get<Member>(each.record.body);
    if (other == node || site_of(other)) continue;
    if (theirs.identity_key == broker.identity_key || theirs.curve_key == broker.curve_key) {
      return fail(
          ErrorCode::conflict, "name",
          "this broker is a member as \"" + other.value + "\", not as \"" + node.value + '"',
          "keep its name: sites hold its attempts by it");
    }
    if (tag_of(other) == tag_of(node)) {
      return fail(ErrorCode::conflict, "name",
                  "\"" + node.value + "\" would give the same job ids as \"" + other.value + '"',
                  "choose another name");
    }
  }
  const Member* member = find(node);
  const bool unchanged = member != nullptr && member->identity_key == broker.identity_key &&
                         member->curve_key == broker.curve_key &&
                         member->endpoint == broker.endpoint && member->log_key == broker.log_key;
  if (!unchanged) {
    broker.number = member != nullptr ? member->number : MemberNumber{last_number_ + 1};
    change.entries.push_back(sign(std::move(broker), "", now));
    apply(change.entries.back());
    change.publish.push_back(members_.at(node).signed_record);
  }
  change.answer = members_.at(node).signed_record;
  return change;
}

Result<RegistryChange<std::monostate>> Registry::set_state(const NodeId& node, MemberState state,
                                                           Now now) {
  const Member* member = find(node);
  if (member == nullptr) {
    return fail(ErrorCode::not_found, "node", "\"" + node.value + "\" is no member",
                "see the list of sites");
  }
  if (member->state == MemberState::revoked && state != MemberState::revoked) {
    return fail(ErrorCode::conflict, "state", "\"" + node.value + "\" was revoked for good",
                "invite the site under another id");
  }
  RegistryChange<std::monostate> change;
  if (member->state == state) return change;
  Member changed = *member;
  changed.state = state;
  change.entries.push_back(sign(std::move(changed), "", now));
  apply(change.entries.back());
  change.publish.push_back(members_.at(node).signed_record);
  return change;
}

RegistryChange<std::monostate> Registry::renew(Now now) {
  RegistryChange<std::monostate> change;
  for (const auto& [node, held] : members_) {
    if (held.record.header.valid_until - now.wall > member_validity / 2) continue;
    change.entries.push_back(sign(std::get<Member>(held.record.body), "", now));
  }
  for (const Entry& each : change.entries) {
    apply(each);
    change.publish.push_back(std::get<MemberChanged>(each.body).record);
  }
  return change;
}

std::vector<SignedRecord> Registry::records() const {
  std::vector<SignedRecord> all;
  all.reserve(members_.size());
  for (const auto& [node, held] : members_) all.push_back(held.signed_record);
  return all;
}

const Member* Registry::find(const NodeId& node) const {
  const auto held = members_.find(node);
  return held == members_.end() ? nullptr : std::get_if<Member>(&held->second.record.body);
}

std::vector<std::pair<NodeId, MemberState>> Registry::states() const {
  std::vector<std::pair<NodeId, MemberState>> all;
  for (const auto& [node, held] : members_)
    all.emplace_back(node, std::get<Member>(held.record.body).state);
  return all;
}

}  // namespace tradewind

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

// A site that renews more often fills the journal and everybody's gossip.
constexpr int renewals_per_lifetime_max = 1'440;

Error unknown_token() {
  return Error{ErrorCode::forbidden, "token", "is not known, was used by another or has expired",
               "ask an operator of the federation for a new one"};
}

// Whether it is that of a version of the chain: an invitation outlives a rotation.
bool knows_trust(const TrustChain& chain, const Bytes& sha256) {
  return std::any_of(chain.all().rbegin(), chain.all().rend(),
                     [&](const SignedTrust& each) { return trust_sha256(each.record) == sha256; });
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
    const Member& member = std::get<Member>(record->body);
    last_number_ = std::max(last_number_, member.number.value);
    invitations_.erase(changed->token_sha256);
    Held& held = members_[member.node];
    if (held.changed.record != SignedRecord{} && held.member().locked) --locked_;
    if (member.locked) ++locked_;
    held.changed = *changed;
    held.record = std::move(*record);
  }
}

std::chrono::seconds Registry::validity_of(const Member& member) const {
  const bool renews = site_of(member.node) && member.state == MemberState::active;
  return renews ? options_.certificate_lifetime : std::chrono::seconds(member_validity);
}

MemberChanged Registry::last_change(const NodeId& node) const {
  const auto held = members_.find(node);
  if (held == members_.end()) return {};
  MemberChanged changed = held->second.changed;
  changed.principal.clear();
  return changed;
}

Entry Registry::sign(Member member, MemberChanged changed, MemberCause cause, Now now) const {
  RecordVersion version{1, 1};
  if (const auto held = members_.find(member.node); held != members_.end()) {
    version.version = held->second.record.header.version.version + 1;
  }
  changed.record =
      make_member_record(authority_->registry_key(), member, version, now, validity_of(member));
  changed.cause = cause;
  return Entry{now.wall, std::move(changed)};
}

template <class T>
void Registry::add(RegistryChange<T>& change, Entry entry) {
  apply(entry);
  change.publish.push_back(std::get<MemberChanged>(entry.body).record);
  change.entries.push_back(std::move(entry));
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
  const JoinToken token = make_join_token(trust_sha256(authority_->trust().newest()));
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
  if (!knows_trust(authority_->trust(), token->trust_sha256)) return fail(unknown_token());
  const std::string digest = hex(token_sha256(*token));
  const NodeId node = site_node(request.site);
  const auto held = members_.find(node);
  const Member* member = find(node);
  const bool used = held != members_.end() && held->second.changed.token_sha256 == digest;
  // Once it has renewed, it has had its answer.
  const bool repeated = used &&
                        (held->second.changed.cause == MemberCause::admitted ||
                         held->second.changed.cause == MemberCause::unsaid) &&
                        held->second.record.header.valid_until > now.wall;
  const auto invitation = invitations_.find(digest);
  if (!used && (invitation == invitations_.end() || invitation->second.expires <= now.wall)) {
    return fail(unknown_token());
  }
  if (!used && invitation->second.site != request.site) {
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
  if (used && !same_keys) {
    return fail(ErrorCode::conflict, "token",
                "has admitted \"" + request.site.value + "\" with other keys",
                "join from the directory that it was used in; if that was not you, tell an "
                "operator: somebody else has your token");
  }
  if (used && !repeated) return fail(unknown_token());
  if (member != nullptr && member->state == MemberState::revoked) {
    return fail(ErrorCode::forbidden, "site", "\"" + request.site.value + "\" was revoked",
                "ask an operator");
  }
  if (auto free = check_keys(node, *identity_key, request.curve_key); !free) {
    return fail(std::move(free.error()));
  }
  auto certificate = certify(
      request.csr_pem, node,
      repeated ? held->second.record.header.valid_until : now.wall + options_.certificate_lifetime,
      now);
  if (!certificate) return fail(std::move(certificate.error()));

  RegistryChange<JoinAnswer> change;
  if (!repeated) {
    Member joined;
    joined.node = node;
    joined.number = member != nullptr ? member->number : MemberNumber{last_number_ + 1};
    joined.identity_key = *identity_key;
    joined.curve_key = request.curve_key;
    joined.units_max = invitation->second.units_max;
    // A former holder of the site's keys does not know of this one.
    joined.renewals = member != nullptr ? member->renewals + 1 : 0;
    MemberChanged admitted = last_change(node);
    admitted.token_sha256 = digest;
    admitted.renewal.clear();
    admitted.recovery_allowed = false;
    add(change, sign(std::move(joined), std::move(admitted), MemberCause::admitted, now));
  }
  change.answer = answer_for(node, std::move(*certificate));
  return change;
}

Status Registry::check_keys(const NodeId& node, const Bytes& identity_key,
                            const Bytes& curve_key) const {
  for (const auto& [other, held] : members_) {
    const Member& theirs = held.member();
    if (other == node) continue;
    if (theirs.identity_key == identity_key || theirs.curve_key == curve_key ||
        theirs.former_curve_key == curve_key) {
      return fail(ErrorCode::conflict, "csr_pem", "these keys belong to another member",
                  "let each site make keys of its own");
    }
  }
  return ok();
}

Result<std::string> Registry::certify(const std::string& csr_pem, const NodeId& node,
                                      Wall::time_point valid_until, Now now) const {
  const auto lifetime = std::chrono::duration_cast<std::chrono::seconds>(valid_until - now.wall);
  return authority_->issue(csr_pem, node, std::max(lifetime, std::chrono::seconds(1)), now.wall);
}

JoinAnswer Registry::answer_for(const NodeId& node, std::string certificate_pem) const {
  return JoinAnswer{std::move(certificate_pem), members_.at(node).changed.record, records()};
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
                         member->endpoint == broker.endpoint && member->log_key == broker.log_key &&
                         member->trust_version == broker.trust_version;
  if (!unchanged) {
    broker.number = member != nullptr ? member->number : MemberNumber{last_number_ + 1};
    add(change, sign(std::move(broker), last_change(node), MemberCause::admitted, now));
  }
  change.answer = members_.at(node).changed.record;
  return change;
}

// --- renewal -------------------------------------------------------------------------------------

Bytes Registry::challenge(const SiteId& site, Now now) const {
  return challenger_.challenge(site_node(site), now.wall);
}

Result<Renewal> Registry::authenticate(const RenewalRequest& request, Held& held, Now now) const {
  const NodeId node = site_node(request.site);
  const auto made = challenger_.check(request.challenge, node, now.wall);
  if (!made) return fail(made.error());
  if (*made <= held.challenged) {
    return fail(ErrorCode::forbidden, "challenge", "was answered before",
                "ask for a new challenge");
  }
  auto identity_key = csr_public_key(request.csr_pem);
  if (!identity_key) return fail(std::move(identity_key.error()));
  Renewal renewal{node,       request.challenge,        request.renewals,
                  request.id, std::move(*identity_key), request.curve_key};
  const Bytes& known = held.member().identity_key;
  const bool proven =
      verify_renewal(renewal.identity_key, renewal, request.proof) &&
      (renewal.identity_key == known || verify_renewal(known, renewal, request.former_proof));
  if (!proven) {
    return fail(ErrorCode::forbidden, "proof", "is no signature by this site's identity key",
                "renew from the directory that has joined; when its identity.key is lost, ask an "
                "operator for an invitation and join again");
  }
  held.challenged = *made;
  return renewal;
}

Status Registry::check_recovery(const Held& held, Now now) const {
  if (held.record.header.valid_until > now.wall || held.changed.recovery_allowed) return ok();
  const auto& recoveries = held.changed.recoveries;
  const auto recent = std::count_if(recoveries.begin(), recoveries.end(), [&](const auto& each) {
    return each > now.wall - recovery_window;
  });
  if (static_cast<std::size_t>(recent) < options_.recovery_max) return ok();
  return fail(ErrorCode::forbidden, "site",
              "the certificate has expired, and the site has come back from that " +
                  std::to_string(recent) + " times in 30 days",
              "ask an operator for: tradewind site allow-recovery SITE");
}

RegistryChange<Result<JoinAnswer>> Registry::renew(const RenewalRequest& request, Now now) {
  const auto refuse = [](Error error) {
    return RegistryChange<Result<JoinAnswer>>{{}, {}, fail(std::move(error))};
  };
  const NodeId node = site_node(request.site);
  const auto found = members_.find(node);
  if (found == members_.end()) {
    return refuse({ErrorCode::forbidden, "site", "\"" + request.site.value + "\" is no member",
                   "ask an operator for an invitation and join"});
  }
  Held& held = found->second;
  const auto renewal = authenticate(request, held, now);
  if (!renewal) return refuse(renewal.error());
  const Member& member = held.member();
  if (member.state != MemberState::active) {
    return refuse({ErrorCode::forbidden, "site",
                   "\"" + request.site.value + "\" is " +
                       (member.locked ? "locked, since two seem to hold its key"
                                      : std::string(to_string(member.state))),
                   "ask an operator"});
  }
  const bool expired = held.record.header.valid_until <= now.wall;
  const bool new_keys =
      member.identity_key != renewal->identity_key || member.curve_key != renewal->curve_key;
  const bool repeated = held.changed.renewal == request.id && !new_keys;
  if (repeated && !expired) {
    auto certificate = certify(request.csr_pem, node, held.record.header.valid_until, now);
    if (!certificate) return refuse(std::move(certificate.error()));
    JoinAnswer answer = answer_for(node, std::move(*certificate));
    // The first answer may have had the others'.
    if (held.changed.cause != MemberCause::recovered) answer.members.clear();
    return {{}, {}, std::move(answer)};
  }

  RegistryChange<Result<JoinAnswer>> change;
  Member next = member;
  MemberChanged changed = last_change(node);
  if (!repeated && request.renewals != member.renewals && !held.changed.recovery_allowed) {
    next.state = MemberState::suspended;
    next.locked = true;
    add(change, sign(std::move(next), std::move(changed), MemberCause::locked, now));
    change.answer = fail(ErrorCode::forbidden, "renewals",
                         "\"" + request.site.value +
                             "\" is locked: it renewed from elsewhere, so "
                             "that two seem to hold its key",
                         "stop every copy of the site but one and ask an operator");
    return change;
  }
  if (const auto may = check_recovery(held, now); !may) return refuse(may.error());
  const bool has_renewed = held.changed.cause == MemberCause::renewed ||
                           held.changed.cause == MemberCause::rotated ||
                           held.changed.cause == MemberCause::recovered;
  const auto age = now.wall - held.record.header.issued;
  if (has_renewed && !expired && age < options_.certificate_lifetime / renewals_per_lifetime_max) {
    return refuse({ErrorCode::exhausted, "site", "has renewed a moment ago",
                   "renew once in half of the certificate's life"});
  }
  if (auto free = check_keys(node, renewal->identity_key, renewal->curve_key); !free) {
    return refuse(std::move(free.error()));
  }
  auto certificate = certify(request.csr_pem, node, now.wall + options_.certificate_lifetime, now);
  if (!certificate) return refuse(std::move(certificate.error()));

  next.former_curve_key.clear();
  if (next.curve_key != renewal->curve_key) {
    next.former_curve_key = std::exchange(next.curve_key, renewal->curve_key);
  }
  next.identity_key = renewal->identity_key;
  ++next.renewals;
  changed.renewal = request.id;
  changed.recovery_allowed = false;
  std::erase_if(changed.recoveries,
                [&](const auto& each) { return each <= now.wall - recovery_window; });
  if (expired) changed.recoveries.push_back(now.wall);
  // Operators may have allowed more of them than there is room for.
  if (changed.recoveries.size() > limits::recoveries_kept_max) {
    changed.recoveries.erase(changed.recoveries.begin());
  }
  const MemberCause cause = expired    ? MemberCause::recovered
                            : new_keys ? MemberCause::rotated
                                       : MemberCause::renewed;
  add(change, sign(std::move(next), std::move(changed), cause, now));
  JoinAnswer answer = answer_for(node, std::move(*certificate));
  // It has heard of the others by gossip, unless it was away.
  if (!expired) answer.members.clear();
  change.answer = std::move(answer);
  return change;
}

Result<RegistryChange<std::monostate>> Registry::allow_recovery(const SiteId& site,
                                                                const std::string& principal,
                                                                Now now) {
  const NodeId node = site_node(site);
  const Member* member = find(node);
  if (member == nullptr) {
    return fail(ErrorCode::not_found, "site", "\"" + site.value + "\" is no member",
                "see the list of sites");
  }
  if (member->state != MemberState::active && !member->locked) {
    return fail(ErrorCode::conflict, "site",
                "\"" + site.value + "\" is " + std::string(to_string(member->state)),
                "take it back first, unless it was revoked: tradewind site state SITE active");
  }
  Member next = *member;
  next.state = MemberState::active;
  next.locked = false;
  MemberChanged changed = last_change(node);
  changed.recovery_allowed = true;
  changed.principal = principal;
  RegistryChange<std::monostate> change;
  add(change, sign(std::move(next), std::move(changed), MemberCause::recovery_allowed, now));
  return change;
}

// --- the registry's own changes ------------------------------------------------------------------

Result<RegistryChange<std::monostate>> Registry::set_state(const NodeId& node, MemberState state,
                                                           const std::string& principal, Now now) {
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
  if (member->locked && state == MemberState::active) {
    return fail(ErrorCode::conflict, "state",
                "\"" + node.value + "\" is locked: its next renewal would lock it again",
                "stop every copy of it but one, then: tradewind site allow-recovery SITE");
  }
  Member next = *member;
  next.state = state;
  MemberChanged changed = last_change(node);
  changed.principal = principal;
  add(change, sign(std::move(next), std::move(changed), MemberCause::state_set, now));
  return change;
}

void Registry::set_authority(std::shared_ptr<const CertificateAuthority> authority) {
  key_changed_ = key_changed_ ||
                 authority->registry_key().public_key() != authority_->registry_key().public_key();
  authority_ = std::move(authority);
}

RegistryChange<std::monostate> Registry::resign(Now now) {
  RegistryChange<std::monostate> change;
  std::vector<Entry> entries;
  for (const auto& [node, held] : members_) {
    const Member& member = held.member();
    if (site_of(node) && member.state == MemberState::active) continue;
    const bool lasts = held.record.header.valid_until - now.wall > member_validity / 2;
    if (lasts && !key_changed_) continue;
    entries.push_back(sign(member, last_change(node), MemberCause::resigned, now));
  }
  key_changed_ = false;
  for (Entry& each : entries) add(change, std::move(each));
  return change;
}

std::vector<SignedRecord> Registry::records() const {
  std::vector<SignedRecord> all;
  all.reserve(members_.size());
  for (const auto& [node, held] : members_) all.push_back(held.changed.record);
  return all;
}

const Member* Registry::find(const NodeId& node) const {
  const auto held = members_.find(node);
  return held == members_.end() ? nullptr : &held->second.member();
}

std::vector<MemberStanding> Registry::standings() const {
  std::vector<MemberStanding> all;
  for (const auto& [node, held] : members_) {
    const Member& member = held.member();
    all.push_back(
        {node, member.state, member.locked, held.record.header.valid_until, member.renewals});
  }
  return all;
}

}  // namespace tradewind

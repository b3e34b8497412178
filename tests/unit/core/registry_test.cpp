#include "broker/core/registry.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "schemas/codec.h"
#include "schemas/limits.h"
#include "state/identity/certificates.h"
#include "state/identity/join.h"
#include "state/identity/records.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

const FederationId trade{"trade"};
const SiteId osaka{"jp-osaka-1"};
const SiteId iowa{"us-iowa-1"};

// What a gateway keeps in its directory.
struct Gateway {
  SiteId site;
  SigningKey identity = SigningKey::generate();
  CurveKeys curve = CurveKeys::generate();
  std::uint64_t renewals = 0;
};

class RegistryTest : public ::testing::Test {
 protected:
  Now now() const { return Now{Mono::time_point(at_), Wall::time_point(1'800'000'000s + at_)}; }
  void pass(Mono::duration span) { at_ += span; }

  std::string invite(const SiteId& site, std::chrono::seconds ttl = 900s) {
    auto change = registry_->invite(site, 0, ttl, now());
    EXPECT_TRUE(change) << describe(change.error());
    keep(change->entries);
    return change->answer.token;
  }
  Result<JoinAnswer> join(const Gateway& gateway, const std::string& token) {
    const auto parsed = parse_join_token(token);
    JoinRequest request{token, gateway.site,
                        *make_csr(gateway.identity, site_node(gateway.site), trade),
                        gateway.curve.public_key,
                        make_join_proof(gateway.identity, *parsed, gateway.curve.public_key)};
    auto change = registry_->join(request, now());
    if (!change) return fail(change.error());
    keep(change->entries);
    return change->answer;
  }
  Gateway joined(const SiteId& site) {
    Gateway gateway{site};
    EXPECT_TRUE(join(gateway, invite(site)));
    return gateway;
  }

  RenewalRequest request_of(const Gateway& gateway, const Gateway* former = nullptr) {
    pass(1us);  // no two challenges are the same
    const NodeId node = site_node(gateway.site);
    Renewal renewal{node,
                    registry_->challenge(gateway.site, now()),
                    gateway.renewals,
                    random_bytes(limits::renewal_id_bytes),
                    gateway.identity.public_key(),
                    gateway.curve.public_key};
    RenewalRequest request{gateway.site,
                           renewal.challenge,
                           renewal.renewals,
                           renewal.id,
                           *make_csr(gateway.identity, node, trade),
                           renewal.curve_key,
                           sign_renewal(gateway.identity, renewal),
                           {}};
    if (former != nullptr) request.former_proof = sign_renewal(former->identity, renewal);
    return request;
  }
  Result<JoinAnswer> ask(const RenewalRequest& request) {
    auto change = registry_->renew(request, now());
    keep(change.entries);
    published_ = change.publish.size();
    return change.answer;
  }
  // The same renewal with another challenge, as a gateway asks that has heard no answer.
  RenewalRequest again(const RenewalRequest& first, const Gateway& gateway,
                       const Gateway* former = nullptr) {
    pass(1us);
    RenewalRequest request = first;
    request.challenge = registry_->challenge(gateway.site, now());
    const Renewal renewal{
        site_node(gateway.site),       request.challenge, request.renewals, request.id,
        gateway.identity.public_key(), request.curve_key};
    request.proof = sign_renewal(gateway.identity, renewal);
    if (former != nullptr) request.former_proof = sign_renewal(former->identity, renewal);
    return request;
  }
  Result<JoinAnswer> renew(Gateway& gateway) {
    auto answer = ask(request_of(gateway));
    if (answer) gateway.renewals = member(gateway.site).renewals;
    return answer;
  }
  const Member& member(const SiteId& site) const { return *registry_->find(site_node(site)); }
  Wall::time_point valid_until(const SiteId& site) const {
    for (const MemberStanding& each : registry_->standings()) {
      if (each.node == site_node(site)) return each.valid_until;
    }
    return {};
  }
  MemberCause last_cause() const { return std::get<MemberChanged>(entries_.back().body).cause; }
  // As a restart does.
  void recover() {
    registry_.emplace(authority_, options_);
    for (const Entry& each : entries_) registry_->apply(each);
  }
  void keep(const std::vector<Entry>& entries) {
    for (const Entry& each : entries) {
      const auto decoded = decode_entry(encode(each));
      ASSERT_TRUE(decoded);
      entries_.push_back(*decoded);
    }
  }
  std::shared_ptr<const CertificateAuthority> make_authority() const {
    return std::make_shared<const CertificateAuthority>(
        *CertificateAuthority::create(trade, now().wall));
  }

  static Member broker(const std::string& name) {
    Member member;
    member.node = broker_node(name);
    member.identity_key = SigningKey::generate().public_key();
    member.curve_key = CurveKeys::generate().public_key;
    member.endpoint = "tcp://127.0.0.1:1";
    return member;
  }

  Mono::duration at_{};
  RegistryOptions options_;
  std::shared_ptr<const CertificateAuthority> authority_ = make_authority();
  std::optional<Registry> registry_{std::in_place, authority_, options_};
  std::vector<Entry> entries_;
  std::size_t published_ = 0;
};

TEST_F(RegistryTest, ATokenIsForOneSiteForATimeAndForOnePairOfKeys) {
  const Gateway gateway{osaka};
  const std::string token = invite(osaka, 60s);
  EXPECT_EQ(join(Gateway{iowa}, token).error().field, "site");
  ASSERT_TRUE(join(gateway, token));
  // Its answer was lost: the same keys get the same member.
  const auto entries = entries_.size();
  pass(5min);
  const auto repeated = join(gateway, token);
  ASSERT_TRUE(repeated) << describe(repeated.error());
  EXPECT_EQ(entries_.size(), entries);
  EXPECT_EQ(certificate_public_key(repeated->certificate_pem).value(),
            gateway.identity.public_key());
  // A second machine is told so, and so are the operators.
  EXPECT_EQ(join(Gateway{osaka}, token).error().code, ErrorCode::conflict);
  const std::string late = invite(iowa, 60s);
  pass(60s);
  EXPECT_EQ(join(Gateway{iowa}, late).error().code, ErrorCode::forbidden);
}

TEST_F(RegistryTest, AUsedTokenIsNoWayRoundRenewing) {
  Gateway gateway{osaka};
  const std::string token = invite(osaka);
  ASSERT_TRUE(join(gateway, token));
  pass(13h);
  ASSERT_TRUE(renew(gateway));
  EXPECT_EQ(join(gateway, token).error().code, ErrorCode::forbidden);
  EXPECT_EQ(join(Gateway{osaka}, token).error().code, ErrorCode::conflict);
  pass(48h);
  EXPECT_EQ(join(gateway, token).error().code, ErrorCode::forbidden);
}

TEST_F(RegistryTest, ACertificateEndsWithItsMemberRecord) {
  Gateway gateway = joined(osaka);
  const auto answer = renew(gateway);
  ASSERT_TRUE(answer) << describe(answer.error());
  const auto validity = certificate_validity(answer->certificate_pem);
  EXPECT_EQ(validity->not_after, std::chrono::floor<std::chrono::seconds>(now().wall + 24h));
  EXPECT_EQ(valid_until(osaka), now().wall + 24h);
  EXPECT_EQ(
      check_certificate(answer->certificate_pem, authority_->certificate_pem(), trade, now().wall)
          .value(),
      site_node(osaka));
}

TEST_F(RegistryTest, ARenewalIsCountedAndTellsEverybody) {
  Gateway gateway = joined(osaka);
  for (std::uint64_t count = 1; count <= 5; ++count) {
    pass(13h);
    ASSERT_TRUE(renew(gateway));
    EXPECT_EQ(member(osaka).renewals, count);
    EXPECT_EQ(last_cause(), MemberCause::renewed);
    EXPECT_EQ(published_, 1U);
    recover();
  }
  EXPECT_EQ(registry_->locked(), 0U);
}

TEST_F(RegistryTest, ARenewalWhoseAnswerWasLostIsAnsweredAgain) {
  Gateway gateway = joined(osaka);
  pass(13h);
  const RenewalRequest first = request_of(gateway);
  ASSERT_TRUE(ask(first));
  const auto entries = entries_.size();
  pass(30min);
  recover();
  const auto repeated = ask(again(first, gateway));
  ASSERT_TRUE(repeated) << describe(repeated.error());
  EXPECT_EQ(entries_.size(), entries);
  const Wall::time_point end = certificate_validity(repeated->certificate_pem)->not_after;
  EXPECT_LE(end, valid_until(osaka));
  EXPECT_GT(end, valid_until(osaka) - 2s);
  // Also when the certificate of the lost answer is over: it knows which renewal was the last.
  pass(72h);
  const auto recovered = ask(again(first, gateway));
  ASSERT_TRUE(recovered) << describe(recovered.error());
  EXPECT_EQ(last_cause(), MemberCause::recovered);
  EXPECT_EQ(member(osaka).state, MemberState::active);
}

TEST_F(RegistryTest, OnlyTheHolderOfTheKeyRenews) {
  Gateway gateway = joined(osaka);
  Gateway thief = gateway;
  thief.identity = SigningKey::generate();
  EXPECT_EQ(ask(request_of(thief)).error().field, "proof");
  // With a request for the thief's key, signed by the thief as the former key as well.
  EXPECT_EQ(ask(request_of(thief, &thief)).error().field, "proof");
  RenewalRequest changed = request_of(gateway);
  changed.curve_key = CurveKeys::generate().public_key;
  EXPECT_EQ(ask(changed).error().field, "proof");
  changed = request_of(gateway);
  ++changed.renewals;
  EXPECT_EQ(ask(changed).error().field, "proof");
  EXPECT_EQ(ask(request_of(Gateway{iowa})).error().field, "site");
  EXPECT_EQ(member(osaka).renewals, 0U);
  EXPECT_EQ(member(osaka).state, MemberState::active);
}

TEST_F(RegistryTest, ARenewalIsNoGoodASecondTimeOrLater) {
  Gateway gateway = joined(osaka);
  const RenewalRequest recorded = request_of(gateway);
  ASSERT_TRUE(ask(recorded));
  EXPECT_EQ(ask(recorded).error().field, "challenge");
  pass(1s);
  Gateway next = gateway;
  next.renewals = 1;
  const RenewalRequest late = request_of(next);
  pass(61s);
  EXPECT_EQ(ask(late).error().field, "challenge");
  RenewalRequest other = request_of(next);
  other.challenge = registry_->challenge(iowa, now());
  EXPECT_EQ(ask(other).error().field, "challenge");
  EXPECT_EQ(member(osaka).state, MemberState::active);
}

TEST_F(RegistryTest, TwoMachinesWithOneIdentityLockIt) {
  Gateway gateway = joined(osaka);
  Gateway copy = gateway;
  pass(13h);
  ASSERT_TRUE(renew(gateway));
  pass(1h);
  const auto refused = renew(copy);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "renewals");
  EXPECT_EQ(last_cause(), MemberCause::locked);
  EXPECT_EQ(published_, 1U);
  EXPECT_EQ(registry_->locked(), 1U);
  recover();
  EXPECT_EQ(registry_->locked(), 1U);
  EXPECT_EQ(member(osaka).state, MemberState::suspended);
  EXPECT_TRUE(member(osaka).locked);
  // Nor does the first one get on: nobody knows which of them is the site.
  const auto entries = entries_.size();
  EXPECT_EQ(renew(gateway).error().code, ErrorCode::forbidden);
  EXPECT_EQ(entries_.size(), entries);
  // Taking it back as if nothing were would only lock it again.
  EXPECT_EQ(registry_->set_state(site_node(osaka), MemberState::active, "ops", now()).error().code,
            ErrorCode::conflict);
}

TEST_F(RegistryTest, AnOperatorUnlocksForOneRenewal) {
  Gateway gateway = joined(osaka);
  Gateway copy = gateway;
  pass(13h);
  ASSERT_TRUE(renew(gateway));
  ASSERT_FALSE(renew(copy));
  const auto allowed = registry_->allow_recovery(osaka, "ops", now());
  ASSERT_TRUE(allowed);
  keep(allowed->entries);
  EXPECT_EQ(std::get<MemberChanged>(entries_.back().body).principal, "ops");
  EXPECT_EQ(member(osaka).state, MemberState::active);
  recover();
  ASSERT_TRUE(renew(copy));
  EXPECT_EQ(registry_->locked(), 0U);
  // The other machine is the stranger now.
  pass(13h);
  EXPECT_EQ(renew(gateway).error().field, "renewals");
  EXPECT_EQ(registry_->locked(), 1U);
}

TEST_F(RegistryTest, JoiningAnewMakesACopyOfTheFormerKeysWorthless) {
  Gateway gateway = joined(osaka);
  Gateway copy = gateway;
  pass(13h);
  ASSERT_TRUE(renew(gateway));
  ASSERT_FALSE(renew(copy));
  Gateway anew{osaka};
  ASSERT_TRUE(join(anew, invite(osaka)));
  anew.renewals = member(osaka).renewals;
  EXPECT_EQ(member(osaka).state, MemberState::active);
  EXPECT_EQ(registry_->locked(), 0U);
  EXPECT_EQ(renew(copy).error().field, "proof");
  EXPECT_EQ(renew(gateway).error().field, "proof");
  pass(13h);
  EXPECT_TRUE(renew(anew));
  EXPECT_EQ(member(osaka).number, MemberNumber{1});
}

TEST_F(RegistryTest, ASiteComesBackAfterItsCertificateHasExpiredSoManyTimes) {
  Gateway gateway = joined(osaka);
  for (int count = 1; count <= 3; ++count) {
    pass(49h);
    ASSERT_TRUE(renew(gateway)) << count;
    EXPECT_EQ(last_cause(), MemberCause::recovered);
    recover();
  }
  pass(49h);
  const auto refused = renew(gateway);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "site");
  EXPECT_EQ(member(osaka).state, MemberState::active);
  const auto allowed = registry_->allow_recovery(osaka, "ops", now());
  ASSERT_TRUE(allowed);
  keep(allowed->entries);
  ASSERT_TRUE(renew(gateway));
  // What an operator allowed does not count, but the three do for thirty days.
  pass(49h);
  EXPECT_FALSE(renew(gateway));
  pass(24h * 30);
  EXPECT_TRUE(renew(gateway));
}

TEST_F(RegistryTest, RecoveryTellsOfTheOtherMembersAndRenewalDoesNot) {
  Gateway gateway = joined(osaka);
  joined(iowa);
  pass(13h);
  EXPECT_TRUE(renew(gateway)->members.empty());
  pass(25h);
  EXPECT_EQ(renew(gateway)->members.size(), 2U);
}

TEST_F(RegistryTest, KeysRotateWithTheFormerKeysSignature) {
  Gateway former = joined(osaka);
  pass(1h);
  Gateway gateway{osaka};
  EXPECT_EQ(ask(request_of(gateway)).error().field, "proof");
  const RenewalRequest first = request_of(gateway, &former);
  const auto answer = ask(first);
  ASSERT_TRUE(answer) << describe(answer.error());
  EXPECT_EQ(last_cause(), MemberCause::rotated);
  EXPECT_EQ(certificate_public_key(answer->certificate_pem).value(), gateway.identity.public_key());
  EXPECT_EQ(member(osaka).identity_key, gateway.identity.public_key());
  EXPECT_EQ(member(osaka).curve_key, gateway.curve.public_key);
  EXPECT_EQ(member(osaka).former_curve_key, former.curve.public_key);
  EXPECT_EQ(member(osaka).number, MemberNumber{1});
  // Asked for again, with the former key's signature or without.
  const auto entries = entries_.size();
  EXPECT_TRUE(ask(again(first, gateway, &former)));
  pass(1s);
  EXPECT_TRUE(ask(again(first, gateway)));
  EXPECT_EQ(entries_.size(), entries);
  // The former key says nothing any more, and its link key is good until the next renewal.
  EXPECT_EQ(renew(former).error().field, "proof");
  gateway.renewals = 1;
  pass(13h);
  ASSERT_TRUE(renew(gateway));
  EXPECT_TRUE(member(osaka).former_curve_key.empty());
}

TEST_F(RegistryTest, NobodyTakesAnothersKeys) {
  Gateway gateway = joined(osaka);
  Gateway other = joined(iowa);
  Gateway thief{osaka, gateway.identity, other.curve};
  EXPECT_EQ(ask(request_of(thief)).error().code, ErrorCode::conflict);
  // Not even a key that is only good for a while longer.
  Gateway rotated{iowa, other.identity};
  pass(1h);
  ASSERT_TRUE(ask(request_of(rotated)));
  EXPECT_EQ(member(iowa).former_curve_key, other.curve.public_key);
  EXPECT_EQ(ask(request_of(thief)).error().code, ErrorCode::conflict);
}

TEST_F(RegistryTest, SuspendedAndRevokedSitesDoNotRenew) {
  Gateway gateway = joined(osaka);
  for (const MemberState state : {MemberState::suspended, MemberState::revoked}) {
    ASSERT_TRUE(registry_->set_state(site_node(osaka), state, "ops", now()));
    pass(1s);
    EXPECT_EQ(renew(gateway).error().code, ErrorCode::forbidden);
  }
  EXPECT_EQ(registry_->allow_recovery(osaka, "ops", now()).error().code, ErrorCode::conflict);
  EXPECT_EQ(registry_->allow_recovery(iowa, "ops", now()).error().code, ErrorCode::not_found);
}

TEST_F(RegistryTest, ASiteDoesNotFillTheJournal) {
  Gateway gateway = joined(osaka);
  ASSERT_TRUE(renew(gateway));
  pass(59s);
  EXPECT_EQ(renew(gateway).error().code, ErrorCode::exhausted);
  pass(1s);
  EXPECT_TRUE(renew(gateway));
}

TEST_F(RegistryTest, RecordsOfThoseWhoRenewAreNotSignedAnewAndOthersAre) {
  joined(osaka);
  joined(iowa);
  keep(registry_->admit_broker(broker("main"), now())->entries);
  ASSERT_TRUE(registry_->set_state(site_node(iowa), MemberState::revoked, "ops", now()));
  EXPECT_TRUE(registry_->resign(now()).entries.empty());
  pass(25h);
  const auto change = registry_->resign(now());
  ASSERT_EQ(change.entries.size(), 2U);
  EXPECT_EQ(std::get<MemberChanged>(change.entries.front().body).cause, MemberCause::resigned);
  EXPECT_LE(valid_until(osaka), now().wall);
}

TEST_F(RegistryTest, AnotherAuthorityIssuesAndSignsFromThenOn) {
  Gateway gateway = joined(osaka);
  keep(registry_->admit_broker(broker("main"), now())->entries);
  const auto other = make_authority();
  registry_->set_authority(other);
  const auto resigned = registry_->resign(now());
  ASSERT_EQ(resigned.publish.size(), 1U);
  EXPECT_TRUE(verify_record(other->registry_key().public_key(), resigned.publish.front().body,
                            resigned.publish.front().signature));
  EXPECT_TRUE(registry_->resign(now()).entries.empty());
  pass(13h);
  const auto answer = renew(gateway);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(
      check_certificate(answer->certificate_pem, other->certificate_pem(), trade, now().wall));
  EXPECT_TRUE(verify_record(other->registry_key().public_key(), answer->member.body,
                            answer->member.signature));
}

TEST_F(RegistryTest, AdmitsBrokersUnderNamesAndKeysOfTheirOwn) {
  ASSERT_TRUE(registry_->admit_broker(broker("eu-1"), now()));
  ASSERT_TRUE(registry_->admit_broker(broker("us-1"), now()));
  EXPECT_EQ(registry_->find(broker_node("eu-1"))->number, MemberNumber{1});
  EXPECT_EQ(registry_->find(broker_node("us-1"))->number, MemberNumber{2});
}

TEST_F(RegistryTest, ABrokerKeepsItsName) {
  Member member = broker("eu-1");
  ASSERT_TRUE(registry_->admit_broker(member, now()));
  EXPECT_TRUE(registry_->admit_broker(member, now())->entries.empty());
  member.node = broker_node("eu-2");
  const auto renamed = registry_->admit_broker(member, now());
  ASSERT_FALSE(renamed);
  EXPECT_EQ(renamed.error().code, ErrorCode::conflict);
  EXPECT_NE(renamed.error().message.find("broker/eu-1"), std::string::npos);
  EXPECT_EQ(registry_->find(broker_node("eu-2")), nullptr);
}

TEST_F(RegistryTest, RefusesASecondBrokerThatWouldGiveTheSameJobIds) {
  std::map<BrokerTag, std::string> names;
  std::string first;
  std::string second;
  for (int i = 0; second.empty(); ++i) {
    const std::string name = "b" + std::to_string(i);
    const auto [twin, fresh] = names.emplace(tag_of(broker_node(name)), name);
    if (fresh) continue;
    first = twin->second;
    second = name;
  }
  ASSERT_TRUE(registry_->admit_broker(broker(first), now()));
  const auto refused = registry_->admit_broker(broker(second), now());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(refused.error().field, "name");
}

}  // namespace
}  // namespace tradewind

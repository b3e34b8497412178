#include "gateway/renewal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <map>
#include <mutex>
#include <vector>

#include "gateway/renewer.h"
#include "state/identity/certificates.h"
#include "state/identity/encoding.h"
#include "state/identity/renewal.h"
#include "state/identity/stored_file.h"
#include "tests/unit/gateway/fake_broker.h"
#include "tests/unit/gateway/osaka.h"
#include "tests/unit/gateway/small_federation.h"
#include "tests/unit/gateway/temporary_directory.h"
#include "tests/unit/identity/former_authority.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// A site that has joined, and a broker that answers its renewals as the registry does.
class RenewalTest : public ::testing::Test {
 protected:
  RenewalTest()
      : RenewalTest(*CertificateAuthority::create(FederationId{"trade"}, system_now().wall)) {}
  explicit RenewalTest(CertificateAuthority authority) : federation_(std::move(authority)) {
    EXPECT_FALSE(federation_.join(home(), osaka, 2, {}).body.empty());
    identity_key_ = keys().identity.public_key();
  }
  std::filesystem::path home() const { return directory_.path() / "osaka"; }
  NodeKeys keys() const { return *load_or_make_keys(home()); }
  bool waits(const char* name) const { return std::filesystem::exists(home() / name); }

  FakeBroker::Answer answer(const std::string& target, const std::string& body) {
    const std::lock_guard lock(mutex_);
    if (target.starts_with("/v1/trust")) return {200, R"({"trust":[]})"};
    if (target == "/v1/renewals/challenge") {
      return {200, boost::json::serialize(boost::json::object{
                       {"challenge", base64_encode(Bytes(challenge_bytes, 'c'))}})};
    }
    const auto request = boost::json::parse(body).as_object();
    const auto bytes = [&](const char* key) {
      return *base64_decode(key, std::string(request.at(key).as_string()));
    };
    const std::string csr(request.at("csr_pem").as_string());
    const Renewal renewal{
        site_node(osaka), bytes("challenge"),   request.at("renewals").to_number<std::uint64_t>(),
        bytes("id"),      *csr_public_key(csr), bytes("curve_key")};
    EXPECT_TRUE(verify_renewal(renewal.identity_key, renewal, bytes("proof")));
    if (renewal.identity_key != identity_key_) {
      EXPECT_TRUE(verify_renewal(identity_key_, renewal, bytes("former_proof")));
    }
    asked_.push_back(renewal);
    if (!answered_.contains(renewal.id)) {
      EXPECT_EQ(renewal.renewals, renewals_);
      ++renewals_;
      answered_[renewal.id] = renewals_;
      identity_key_ = renewal.identity_key;
    }
    if (losses_ > 0) {
      --losses_;
      return {503, R"({"detail":"away"})"};
    }
    Member member;
    member.node = site_node(osaka);
    member.number = MemberNumber{2};
    member.identity_key = renewal.identity_key;
    member.curve_key = renewal.curve_key;
    member.renewals = renewals_;
    const CertificateAuthority& authority = federation_.authority();
    const SignedRecord record = make_member_record(
        authority.registry_key(), member, RecordVersion{1, 100 + renewals_}, system_now(), 24h);
    return {200,
            boost::json::serialize(boost::json::object{
                {"certificate_pem", *authority.issue(csr, member.node, 24h, system_now().wall)},
                {"member", boost::json::object{{"body", base64_encode(record.body)},
                                               {"signature", base64_encode(record.signature)}}},
                {"members", boost::json::array{}}})};
  }
  Result<Renewed> ask() {
    return ask_renewal({broker_.url(), 10s, nullptr}, home(), osaka, load_papers(home())->trust,
                       system_now().wall);
  }
  Result<Membership> keep(Renewed renewed) {
    const auto store = Store::open(store_directory(home()), system_now());
    return keep_renewal(home(), **store, std::move(renewed), system_now().wall);
  }
  Result<Membership> renew() {
    auto renewed = ask();
    if (!renewed) return fail(renewed.error());
    return keep(std::move(*renewed));
  }
  // What a start finds.
  Result<Membership> found() const {
    auto papers = load_papers(home());
    const auto store = Store::open(store_directory(home()), system_now());
    papers->members = *(*store)->members();
    return check_membership(*papers, keys(), system_now().wall);
  }
  bool belongs_together() const { return found().has_value(); }

  TemporaryDirectory directory_;
  SmallFederation federation_;
  std::mutex mutex_;  // the broker answers on a thread of its own
  Bytes identity_key_;
  std::uint64_t renewals_ = 0;
  std::map<Bytes, std::uint64_t> answered_;
  std::vector<Renewal> asked_;
  int losses_ = 0;
  FakeBroker broker_{
      [this](const std::string& target, const std::string& body) { return answer(target, body); }};
};

TEST_F(RenewalTest, CountsAndStoresEachCertificate) {
  for (std::uint64_t count = 1; count <= 3; ++count) {
    const auto membership = renew();
    ASSERT_TRUE(membership) << describe(membership.error());
    EXPECT_EQ(membership->renewals, count);
    EXPECT_EQ(load_papers(home())->certificate_pem, membership->certificate_pem);
    EXPECT_FALSE(renewal_waits(home()));
    EXPECT_TRUE(belongs_together());
  }
  EXPECT_NE(asked_[0].id, asked_[1].id);
}

TEST_F(RenewalTest, AnAnswerThatIsLostIsAskedForAsTheSameRenewal) {
  losses_ = 2;
  EXPECT_FALSE(ask());
  EXPECT_TRUE(renewal_waits(home()));
  EXPECT_FALSE(ask());
  const auto membership = renew();
  ASSERT_TRUE(membership) << describe(membership.error());
  EXPECT_EQ(membership->renewals, 1U);
  EXPECT_EQ(asked_[0].id, asked_[2].id);
  EXPECT_EQ(asked_[2].renewals, 0U);
  ASSERT_TRUE(renew());
  EXPECT_EQ(renewals_, 2U);
}

TEST_F(RenewalTest, RotatesBothKeys) {
  const NodeKeys before = keys();
  ASSERT_TRUE(prepare_rotation(home()));
  EXPECT_TRUE(rotation_waits(home()));
  // Asked for twice, the same keys take over.
  ASSERT_TRUE(prepare_rotation(home()));
  const auto membership = renew();
  ASSERT_TRUE(membership) << describe(membership.error());
  EXPECT_FALSE(rotation_waits(home()));
  EXPECT_NE(keys().identity.public_key(), before.identity.public_key());
  EXPECT_NE(keys().curve.public_key, before.curve.public_key);
  EXPECT_EQ(keys().identity.public_key(), identity_key_);
  EXPECT_TRUE(belongs_together());
}

TEST_F(RenewalTest, KeysThatComeWhileARenewalWaitsTakeTheirTurnAfterIt) {
  const NodeKeys before = keys();
  losses_ = 1;
  EXPECT_FALSE(ask());
  ASSERT_TRUE(prepare_rotation(home()));
  ASSERT_TRUE(renew());
  EXPECT_EQ(asked_[1].id, asked_[0].id);
  EXPECT_EQ(asked_[1].identity_key, before.identity.public_key());
  EXPECT_TRUE(rotation_waits(home()));
  ASSERT_TRUE(renew());
  EXPECT_FALSE(rotation_waits(home()));
  EXPECT_EQ(renewals_, 2U);
}

TEST_F(RenewalTest, ACrashBetweenTheFilesOfARotationEndsInTheSameRenewal) {
  ASSERT_TRUE(prepare_rotation(home()));
  const auto renewed = ask();
  ASSERT_TRUE(renewed);
  // The new identity key is in its place and the rest is not.
  ASSERT_TRUE(renewed->keys.identity.save(home() / "identity.key"));
  EXPECT_FALSE(belongs_together());
  EXPECT_TRUE(renewal_waits(home()));
  const auto again = ask();
  ASSERT_TRUE(again) << describe(again.error());
  EXPECT_EQ(asked_.back().id, asked_.front().id);
  // Both keys are, and the certificate is not.
  std::filesystem::remove(home() / "identity.key.next");
  ASSERT_TRUE(renewed->keys.curve.save(home() / "curve.key"));
  std::filesystem::remove(home() / "curve.key.next");
  EXPECT_FALSE(belongs_together());
  const auto membership = renew();
  ASSERT_TRUE(membership) << describe(membership.error());
  EXPECT_EQ(asked_.back().id, asked_.front().id);
  EXPECT_EQ(membership->renewals, 1U);
  EXPECT_TRUE(belongs_together());
}

TEST_F(RenewalTest, AnAnswerThatDoesNotFitIsNotStored) {
  const std::string before = load_papers(home())->certificate_pem;
  auto renewed = ask();
  ASSERT_TRUE(renewed);
  const SmallFederation other;
  const auto csr = make_csr(keys().identity, site_node(osaka), FederationId{"trade"});
  renewed->papers.certificate_pem =
      *other.authority().issue(*csr, site_node(osaka), 24h, system_now().wall);
  EXPECT_FALSE(keep(std::move(*renewed)));
  EXPECT_EQ(load_papers(home())->certificate_pem, before);
  EXPECT_TRUE(renewal_waits(home()));
}

TEST_F(RenewalTest, ABrokenStateIsNoReasonToBeginAgain) {
  std::ofstream(home() / "renewal.json") << "{";
  const auto renewed = ask();
  ASSERT_FALSE(renewed);
  EXPECT_EQ(renewed.error().code, ErrorCode::corrupt);
  EXPECT_THAT(renewed.error().remedy, HasSubstr("join again"));
}

Validity of_life(std::chrono::seconds life) {
  return Validity{Wall::time_point(1'800'000'000s), Wall::time_point(1'800'000'000s) + life};
}

// A directory that joined before there were trust records.
class FormerDirectory : public RenewalTest {
 protected:
  FormerDirectory() : RenewalTest(former_authority()) {
    for (const char* each : {"trust", "broker.url", "renewal.json"}) {
      std::filesystem::remove_all(home() / each);
    }
    const CertificateAuthority& authority = federation_.authority();
    EXPECT_TRUE(store_file(home() / "ca.pem", authority.certificate_pem(), public_mode));
    trust_registry_key(authority.registry_key().public_key());
  }
  void trust_registry_key(const Bytes& key) {
    EXPECT_TRUE(store_file(home() / "registry.key.pub", base64_encode(key) + "\n", public_mode));
  }

 private:
  static CertificateAuthority former_authority() {
    const TemporaryDirectory directory;
    store_former_authority(directory.path(), FederationId{"trade"}, SigningKey::generate(),
                           SigningKey::generate(), system_now().wall);
    return *CertificateAuthority::load(directory.path());
  }
};

TEST_F(FormerDirectory, IsAMembersByWhatItWasGivenToTrustThen) {
  const auto membership = found();
  ASSERT_TRUE(membership) << describe(membership.error());
  EXPECT_EQ(trust_sha256(membership->trust.newest()),
            trust_sha256(federation_.authority().trust().newest()));
  trust_registry_key(SigningKey::generate().public_key());
  EXPECT_THAT(describe(found().error()), HasSubstr("not signed by a registry key"));
}

TEST_F(FormerDirectory, HasAllThatOthersHaveOnceItHasRenewed) {
  const auto membership = renew();
  ASSERT_TRUE(membership) << describe(membership.error());
  EXPECT_EQ(membership->renewals, 1U);
  EXPECT_TRUE(std::filesystem::exists(home() / "trust/1.trust"));
  EXPECT_TRUE(std::filesystem::exists(home() / "renewal.json"));
  EXPECT_EQ(renewals_, 1U);
  EXPECT_TRUE(belongs_together());
}

TEST_F(FormerDirectory, EndsWithItsMemberRecordHoweverLongItsCertificateLives) {
  const NodeId node = site_node(osaka);
  const auto csr = make_csr(keys().identity, node, federation_.authority().federation());
  const auto now = system_now().wall;
  const auto certificate = federation_.authority().issue(*csr, node, 24h * 30, now);
  ASSERT_TRUE(store_file(home() / "certificate.pem", *certificate, public_mode));
  const auto membership = found();
  ASSERT_TRUE(membership) << describe(membership.error());
  EXPECT_LE(membership->ends, now + 24h);
}

TEST(RenewalTime, LiesBetweenHalfAndThreeQuartersOfTheLife) {
  const Validity validity = of_life(24h);
  EXPECT_EQ(renewal_time(validity, 0), validity.not_before + 12h);
  for (std::uint64_t draw = 0; draw < 1'000; ++draw) {
    const auto at = renewal_time(validity, random_number());
    EXPECT_GE(at, validity.not_before + 12h);
    EXPECT_LE(at, validity.not_before + 18h);
  }
}

TEST(RenewalTime, SpreadsSitesThatJoinedTogether) {
  const Validity validity = of_life(24h);
  std::map<std::int64_t, int> by_minute;
  constexpr int sites = 10'000;
  for (int site = 0; site < sites; ++site) {
    const auto at = renewal_time(validity, random_number());
    ++by_minute[std::chrono::floor<std::chrono::minutes>(at.time_since_epoch()).count()];
  }
  const auto busiest = std::max_element(by_minute.begin(), by_minute.end(),
                                        [](auto& a, auto& b) { return a.second < b.second; });
  // 28 a minute on the average.
  EXPECT_LT(busiest->second, 80);
}

TEST(RenewalBackoff, DoublesUpToFiveMinutesOrAQuarterOfTheLife) {
  const auto longest = [](unsigned failures, std::chrono::seconds life) {
    std::chrono::milliseconds most{0};
    for (int i = 0; i < 200; ++i) {
      const auto pause = renewal_backoff(failures, of_life(life), random_number());
      most = std::max(most, pause);
      EXPECT_GE(pause, 500ms);
    }
    return most;
  };
  EXPECT_LE(longest(0, 24h), 1s);
  EXPECT_LE(longest(3, 24h), 8s);
  EXPECT_GT(longest(3, 24h), 7s);
  EXPECT_LE(longest(100, 24h), 5min);
  EXPECT_GT(longest(100, 24h), 4min);
  EXPECT_LE(longest(100, 20s), 5s);
  EXPECT_LE(longest(100, 1s), 1s);
}

}  // namespace
}  // namespace tradewind

// What a broker that starts again knows of the market, before any site has spoken.
#include <gtest/gtest.h>

#include <future>
#include <set>
#include <thread>
#include <utility>

#include "broker/core/core.h"
#include "schemas/codec.h"
#include "schemas/limits.h"
#include "state/identity/authority.h"
#include "state/identity/records.h"
#include "tests/unit/journal/sample_store.h"
#include "tests/unit/routing/sample_market.h"

namespace tradewind {
namespace {

class RestartTest : public ::testing::Test {
 protected:
  void start() {
    core_.reset();
    if (!journal_) journal_ = sample::open(directory_.path());
    CoreOptions options;
    options.self = broker_node("main");
    auto core =
        Core::start(options, *journal_, std::make_shared<const CertificateAuthority>(authority_),
                    identity_, curve_keys_);
    ASSERT_TRUE(core) << describe(core.error());
    core_ = std::move(*core);
  }
  // As if decisions of an earlier life had relied on this site: a member, its record and its sheet.
  SigningKey relied_on(const SiteRecord& site) {
    const SigningKey key = SigningKey::generate();
    Member member;
    member.node = site_node(site.site);
    member.number = MemberNumber{7};
    member.identity_key = key.public_key();
    member.curve_key = CurveKeys::generate().public_key;
    keep("registry/member/" + member.node.value,
         MemberChanged{signed_by(authority_.registry_key(), RecordKind::member, site, member), {}});
    keep("market/site/1", MarketRecorded{signed_by(key, RecordKind::site, site, site)});
    keep("market/quote/1",
         MarketRecorded{signed_by(key, RecordKind::quote, site, sample::sheet(site))});
    return key;
  }
  void quarantined(const SiteRecord& site, const SigningKey& key) {
    QuoteSheet other = sample::sheet(site);
    ++other.pools.at(0).price_ppm;
    Equivocation proof{signed_by(key, RecordKind::quote, site, sample::sheet(site)),
                       signed_by(key, RecordKind::quote, site, other)};
    if (proof.second.body < proof.first.body) std::swap(proof.first, proof.second);
    keep("quarantine/site/" + site.site.value, SiteQuarantined{std::move(proof)});
  }
  std::set<std::string> kept(std::string_view prefix) {
    std::set<std::string> keys;
    EXPECT_TRUE(journal_->values(
        prefix, [&](std::string_view key, BytesView) { keys.insert(std::string(key)); }));
    return keys;
  }
  JobState state_of_submitted(const JobSpec& spec) {
    std::promise<Result<SubmitReceipt>> promise;
    core_->submit(std::make_shared<Submission>(Submission{TenantId{"physics"}, "alice", "", spec}),
                  [&](Result<SubmitReceipt> receipt) { promise.set_value(std::move(receipt)); });
    const auto receipt = promise.get_future().get();
    EXPECT_TRUE(receipt);
    return receipt ? core_->find(receipt->job)->state : JobState::failed;
  }
  MarketSnapshot market() {
    std::promise<MarketSnapshot> promise;
    core_->market([&](Result<MarketSnapshot> market) {
      promise.set_value(market ? std::move(*market) : MarketSnapshot{});
    });
    return promise.get_future().get();
  }
  std::size_t sites() { return market().sites.size(); }

  template <class Body>
  static SignedRecord signed_by(const SigningKey& key, RecordKind kind, const SiteRecord& site,
                                Body body) {
    RecordHeader header;
    header.kind = kind;
    header.subject = site_node(site.site);
    header.member = MemberNumber{7};
    header.version = {1, 1};
    header.issued = system_now().wall;
    header.valid_until = header.issued + limits::quote_validity_max;
    SignedRecord record;
    record.body = encode(Record{header, std::move(body)});
    record.signature = sign_record(key, record.body);
    return record;
  }
  template <class Body>
  void keep(const std::string& key, Body body) {
    JournalBatch batch;
    batch.values.push_back({key, encode(Entry{system_now().wall, std::move(body)})});
    ASSERT_TRUE(journal_->commit(batch));
  }

  sample::TemporaryDirectory directory_;
  CertificateAuthority authority_ =
      *CertificateAuthority::create(FederationId{"test"}, system_now().wall);
  SigningKey identity_ = SigningKey::generate();
  CurveKeys curve_keys_ = CurveKeys::generate();
  std::unique_ptr<Journal> journal_ = sample::open(directory_.path());
  std::unique_ptr<Core> core_;
};

TEST_F(RestartTest, KnowsTheRecordsThatDecisionsReliedOnAndKeepsThoseOfItsOwn) {
  relied_on(sample::site("aa-north-1", {sample::pool("cpu")}));
  start();
  // The federation's thread hands them over in its own time.
  while (sites() == 0) std::this_thread::yield();
  JobState state = JobState::queued;
  while (state == JobState::queued) state = state_of_submitted(sample::job());
  EXPECT_EQ(state, JobState::dispatching);
  const std::set<std::string> keys = kept("market/");
  EXPECT_EQ(keys.count("market/site/site/aa-north-1"), 1U);
  EXPECT_EQ(keys.count("market/quote/site/aa-north-1"), 1U);
}

TEST_F(RestartTest, ASiteThatWasQuarantinedShowsAndIsStillQuarantined) {
  const SiteRecord site = sample::site("aa-north-1", {sample::pool("cpu")});
  quarantined(site, relied_on(site));
  start();
  while (sites() == 0 || !market().sites[0].quarantined) std::this_thread::yield();
  EXPECT_FALSE(market().sites[0].sheet) << "none of its sheets was taken";
  EXPECT_EQ(state_of_submitted(sample::job()), JobState::queued);
  EXPECT_EQ(kept("quarantine/").count("quarantine/site/aa-north-1"), 1U);
}

// It would end its own quarantine.
TEST_F(RestartTest, ASiteThatIsQuarantinedTakesNoOtherKeyByItself) {
  const SiteRecord site = sample::site("aa-north-1", {sample::pool("cpu")});
  quarantined(site, relied_on(site));
  start();
  while (sites() == 0 || !market().sites[0].quarantined) std::this_thread::yield();
  RenewalRequest rotation;
  rotation.site = site.site;
  rotation.former_proof = Bytes(signature_bytes, '\0');
  std::promise<Result<JoinAnswer>> promise;
  core_->renew(rotation, [&](Result<JoinAnswer> answer) { promise.set_value(std::move(answer)); });
  const auto answer = promise.get_future().get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::forbidden);
  EXPECT_NE(answer.error().message.find("quarantined"), std::string::npos);
}

}  // namespace
}  // namespace tradewind

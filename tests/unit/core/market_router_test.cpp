// What decisions tell in small and in large markets, and how they spread where sites refuse.
#include "broker/core/market_router.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "broker/jobs/fold.h"
#include "broker/jobs/lifecycle.h"
#include "broker/routing/clearing.h"
#include "schemas/codec.h"
#include "tests/unit/routing/sample_market.h"

namespace tradewind {
namespace {

void add_sheet(MarketRouter& router, const SiteRecord& site, std::uint64_t version,
               std::int64_t price_ppm, std::uint32_t units_free = 16) {
  RecordHeader header;
  header.kind = RecordKind::quote;
  header.subject = site_node(site.site);
  header.version = RecordVersion{1, version};
  header.issued = sample::now;
  header.valid_until = sample::now + std::chrono::seconds(15);
  QuoteSheet sheet = sample::sheet(site);
  sheet.pools[0].price_ppm = price_ppm;
  sheet.pools[0].units_free = units_free;
  sheet.pools[0].units_free_node = std::min(units_free, sheet.pools[0].units_free_node);
  router.accept(Record{header, sheet});
}

void add(MarketRouter& router, const SiteRecord& site) {
  RecordHeader header;
  header.kind = RecordKind::site;
  header.subject = site_node(site.site);
  header.version = RecordVersion{1, 1};
  header.issued = sample::now;
  header.valid_until = sample::now + std::chrono::seconds(15);
  router.accept(Record{header, site});
  header.kind = RecordKind::quote;
  router.accept(Record{header, sample::sheet(site)});
}

JobRecord job() {
  JobRecord record;
  record.job = JobId{"j0000000000001"};
  record.tenant = TenantId{"physics"};
  record.spec = sample::job();
  return record;
}

TEST(MarketRouter, TellsOfAllPoolsOfASmallFederation) {
  MarketRouter router{RouteOptions{}};
  Pool small = sample::pool("small");
  small.architecture = Architecture::s390x;
  add(router, sample::site("aa-north-1", {sample::pool("cpu", 10'000)}));
  add(router, sample::site("bb-south-1", {sample::pool("cpu", 20'000)}));
  add(router, sample::site("cc-west-1", {small}));
  const auto decided = router.decide(job(), {}, Now{{}, sample::now});
  ASSERT_TRUE(decided.has_value());
  const Decision& decision = *decided;
  EXPECT_EQ(decision.chosen->site.value, "aa-north-1");
  EXPECT_EQ(decision.runners_up.size(), 1U);
  EXPECT_EQ(decision.rejections.size(), 1U);
  EXPECT_TRUE(is_surveyed(decision));
}

TEST(MarketRouter, TellsOfAllPoolsOfALargeFederationInQuotesAndWhereNothingIsAdequate) {
  MarketRouter router{RouteOptions{}};
  for (int number = 1; number <= 100; ++number) {
    add(router,
        sample::site("aa-north-" + std::to_string(number), {sample::pool("cpu", 10'000 + number)}));
  }
  const Now now{{}, sample::now};
  const auto decided = router.decide(job(), {}, now);
  ASSERT_TRUE(decided.has_value());
  const Decision& decision = *decided;
  EXPECT_EQ(decision.chosen->site.value, "aa-north-1");
  EXPECT_FALSE(is_surveyed(decision));

  const JobRecord asked = job();
  const Surveyed surveyed = router.quote(asked.spec, asked.tenant, 64, now);
  const Decision& quote = surveyed.decision;
  EXPECT_EQ(quote.chosen, decision.chosen);
  EXPECT_EQ(quote.relied_on, decision.relied_on);
  EXPECT_EQ(quote.pools_considered, 100U);
  EXPECT_FALSE(quote.runners_up.empty());
  EXPECT_TRUE(surveyed.reasons.empty());

  JobRecord large = job();
  large.spec.resources.cpus = 17;
  EXPECT_EQ(router.decide(large, {}, now), std::nullopt);
  const Decision refused = router.explain(large, {}, now);
  EXPECT_EQ(refused.outcome, Outcome::unroutable);
  EXPECT_EQ(refused.rejections.size(), 64U);
  const Surveyed whole = router.quote(large.spec, large.tenant, 1'000, now);
  EXPECT_EQ(whole.decision.rejections.size(), 100U);
  EXPECT_EQ(whole.reasons, (std::map<ReasonCode, std::uint32_t>{{ReasonCode::cpus, 100}}));
}

// A job that was quoted at the first of two sites, the second dearer.
class QuotedJob : public ::testing::Test {
 protected:
  QuotedJob() {
    add(router, near);
    add(router, far);
    const Decision quoted = router.quote(record.spec, record.tenant, 64, now).decision;
    QuoteTerms& terms = record.quote.emplace();
    terms.id = "q1-1-1";
    terms.total = quoted.chosen->cost.total;
    terms.pool = quoted.chosen->pool;
    terms.price_ppm = router.price_ppm(*quoted.chosen);
    terms.relied_on = quoted.relied_on;
  }
  const SiteRecord near = sample::site("aa-north-1", {sample::pool("cpu", 10'000)});
  const SiteRecord far = sample::site("bb-south-1", {sample::pool("cpu", 20'000)});
  const Now now{{}, sample::now};
  MarketRouter router{RouteOptions{}};
  JobRecord record = job();
};

TEST_F(QuotedJob, HasItsPriceByTheQuotedSheetWhenTheNewestAsksMore) {
  add_sheet(router, near, 2, 1'500'000);
  const auto decided = router.decide(record, {}, now);
  ASSERT_TRUE(decided.has_value());
  const Decision& decision = *decided;
  EXPECT_EQ(decision.chosen->site.value, "aa-north-1");
  EXPECT_EQ(decision.chosen->cost.total, record.quote->total);
  EXPECT_EQ(decision.relied_on, record.quote->relied_on);
}

TEST_F(QuotedJob, PaysLessWhenTheNewestSheetAsksLess) {
  add_sheet(router, near, 2, 500'000);
  const auto decided = router.decide(record, {}, now);
  ASSERT_TRUE(decided.has_value());
  const Decision& decision = *decided;
  EXPECT_LT(decision.chosen->cost.total, record.quote->total);
  EXPECT_EQ(decision.relied_on.quote_version, (RecordVersion{1, 2}));
}

TEST_F(QuotedJob, GoesNowhereForMoreThanItsTotal) {
  add_sheet(router, near, 2, 1'000'000, 0);
  EXPECT_EQ(router.decide(record, {}, now), std::nullopt);
  const Decision decision = router.explain(record, {}, now);
  EXPECT_EQ(decision.outcome, Outcome::waiting);
  ASSERT_EQ(decision.rejections.size(), 2U);
  EXPECT_EQ(decision.rejections[0].reason, ReasonCode::budget);
  EXPECT_EQ(decision.rejections[0].site.value, "bb-south-1");
  EXPECT_EQ(decision.rejections[0].wanted, record.quote->total.micros);
  EXPECT_EQ(decision.rejections[1].reason, ReasonCode::capacity);
}

TEST_F(QuotedJob, IsNotHeldToAPriceWhoseSheetHasRunOutOrWhoseTariffHasChanged) {
  add_sheet(router, near, 2, 1'500'000);
  record.quote->relied_on.quote_valid_until = sample::now;
  EXPECT_FALSE(router.decide(record, {}, now).has_value());
  record.quote->relied_on.quote_valid_until = sample::now + std::chrono::seconds(15);
  EXPECT_TRUE(router.decide(record, {}, now).has_value());
  record.quote->relied_on.site_version = RecordVersion{1, 0};
  EXPECT_FALSE(router.decide(record, {}, now).has_value());
}

TEST_F(QuotedJob, KeepsTheSmallerOfItsOwnBudgetAndItsTotal) {
  record.spec.constraints.cost_max = Money{record.quote->total.micros - 1};
  EXPECT_FALSE(router.decide(record, {}, now).has_value());
}

TEST(MarketRouter, DebitsAContractForWhatItCovers) {
  MarketRouter router{RouteOptions{}};
  SiteRecord site = sample::site("aa-north-1", {sample::pool("cpu", 10'000, 1)});
  site.contracts = {{ContractId{"c1"}, TenantId{"physics"}, PoolId{"cpu"}, 1,
                     sample::now - std::chrono::hours(1), sample::now + std::chrono::hours(1)}};
  add(router, site);
  RecordHeader header;
  header.kind = RecordKind::quote;
  header.subject = site_node(site.site);
  header.version = RecordVersion{1, 2};
  header.issued = sample::now;
  header.valid_until = sample::now + std::chrono::seconds(15);
  QuoteSheet sheet = sample::sheet(site);
  sheet.pools[0].units_free = 3;
  sheet.contracts = {{ContractId{"c1"}, 1}};
  router.accept(Record{header, sheet});
  JobRecord wanted = job();
  wanted.spec.resources.cpus = 8;  // 2 units, one of them of the contract
  const Now now{{}, sample::now};
  const Candidate first = *router.decide(wanted, {}, now)->chosen;
  EXPECT_EQ(first.contract_units, 1U);
  const AttemptId attempt{wanted.job, 1};
  router.placed(attempt, first);
  EXPECT_EQ(router.view().debited_units(site.site, PoolId{"cpu"}), 1U);
  EXPECT_EQ(router.decide(wanted, {}, now)->chosen->contract_units, 0U);
  router.settled(attempt, first, true);
  router.ended(attempt, first);
  EXPECT_EQ(router.view().debited_units(site.site, PoolId{"cpu"}), 0U);
  EXPECT_EQ(router.decide(wanted, {}, now)->chosen->contract_units, 1U);
}

TEST(MarketRouter, DecidesByTheRatesOfNowAndNamesTheirVersion) {
  for (const int sites : {1, 100}) {
    MarketRouter router{RouteOptions{}};
    for (int number = 1; number <= sites; ++number) {
      Pool pool = sample::pool("cpu");
      pool.tariff.currency = "EUR";
      add(router, sample::site("aa-north-" + std::to_string(number), {pool}));
    }
    const Now now{{}, sample::now};
    EXPECT_EQ(router.decide(job(), {}, now), std::nullopt);
    RateTable rates;
    rates.version = 1;
    rates.rates_ppm["EUR"] = 1'080'000;
    router.set_rates(rates);
    const std::optional<Decision> decided = router.decide(job(), {}, now);
    ASSERT_TRUE(decided.has_value());
    const Decision& decision = *decided;
    EXPECT_EQ(decision.chosen->rate.micros, 43'200);
    EXPECT_EQ(decision.rates_version, 1U);
    EXPECT_EQ(router.conversion_ppm(*decision.chosen), 1'080'000);
    rates.version = 2;
    rates.rates_ppm["EUR"] = 2'000'000;
    router.set_rates(rates);
    EXPECT_EQ(router.decide(job(), {}, now)->chosen->rate.micros, 80'000);
  }
}

// What one job waits for, and whether it would go, over a market that changes.
class MarketRouterWaitTest : public ::testing::Test {
 protected:
  void accept(const SiteRecord& site, std::chrono::seconds valid = std::chrono::hours(1)) {
    accept(RecordKind::site, site, site, valid);
  }
  void accept(const SiteRecord& site, const QuoteSheet& sheet,
              std::chrono::seconds valid = std::chrono::hours(1)) {
    accept(RecordKind::quote, site, sheet, valid);
  }
  void pass(std::chrono::seconds span) {
    now.mono += span;
    now.wall += span;
    router.expire(now);
    router.pass(now.wall);
  }

  MarketRouter router{RouteOptions{}};
  Now now{Mono::time_point(std::chrono::hours(1)), sample::now};

 private:
  template <class Body>
  void accept(RecordKind kind, const SiteRecord& site, const Body& body,
              std::chrono::seconds valid) {
    router.expire(now);
    router.pass(now.wall);
    RecordHeader header;
    header.kind = kind;
    header.subject = site_node(site.site);
    header.version = RecordVersion{1, ++version_};
    header.issued = now.wall;
    header.valid_until = now.wall + valid;
    router.accept(Record{header, body});
  }
  std::uint64_t version_ = 0;
};

TEST_F(MarketRouterWaitTest, ASheetThatEndsATimeWithoutOneOpensItsPools) {
  const SiteRecord site = sample::site("aa-north-1", {sample::pool("cpu")});
  accept(site);
  accept(site, sample::sheet(site), std::chrono::seconds(15));
  EXPECT_EQ(router.changes().places.size(), 1U);
  pass(std::chrono::seconds(14));
  accept(site, sample::sheet(site), std::chrono::seconds(15));
  EXPECT_TRUE(router.changes().places.empty()) << "it only prolongs the one before";
  pass(std::chrono::seconds(16));
  EXPECT_EQ(router.decide(job(), {}, now), std::nullopt);
  accept(site, sample::sheet(site), std::chrono::seconds(15));
  EXPECT_EQ(router.changes().places.size(), 1U);
}

TEST_F(MarketRouterWaitTest, AJobLacksRoomInEachShapeOfPoolThatFitsIt) {
  Pool large = sample::pool("large");
  large.unit.cpus = 8;
  Pool arm = sample::pool("arm");
  arm.architecture = Architecture::s390x;
  const SiteRecord site = sample::site("aa-north-1", {sample::pool("cpu"), large, arm});
  accept(site);
  accept(site, sample::sheet(site));
  JobRecord wide = job();
  wide.spec.resources.cpus = 8;
  const JobLacks lacks = router.lacks(wide);
  ASSERT_EQ(lacks.rooms.size(), 2U);
  std::map<std::uint32_t, std::uint32_t> sizes;
  for (const Lack& each : lacks.rooms) sizes[each.kind] = each.size;
  for (const std::uint32_t place : router.changes().places) {
    const Opening opening = router.opening(place);
    const bool fits = sizes.contains(opening.kind) && sizes[opening.kind] <= opening.size_max;
    EXPECT_EQ(router.suits(wide, {}, place, now) == Suits::now, fits);
    EXPECT_NE(router.suits(wide, {site.site}, place, now), Suits::now);
  }
  EXPECT_EQ(router.opening(1'000).size_max, 0U);
  EXPECT_EQ(router.suits(wide, {}, 1'000, now), Suits::no_job_alike);
}

// The place itself does not change: what leaves another site becomes cheaper.
TEST_F(MarketRouterWaitTest, AJobWhoseBudgetItsDataBreaksIsWokenByTheRecordOfTheSiteWhereItLies) {
  SiteRecord holds = sample::site("aa-north-1", {});
  holds.network = {NetworkTariff{"default", {1'000'000'000}, {}, 1'000, 10}};
  const SiteRecord runs = sample::site("bb-south-1", {sample::pool("cpu")});
  accept(holds);
  accept(runs);
  accept(runs, sample::sheet(runs));
  LifecycleOptions options;
  options.settling = {};
  Lifecycle lifecycle(options, router);
  lifecycle.begin(Term{1}, {}, now);
  JobSubmitted submission{JobId{"j0000000000001"}, TenantId{"physics"}, "ada", "", sample::job()};
  submission.spec.constraints.cost_max = Money{1'000'000};
  Input& input = submission.spec.inputs.emplace_back();
  input.path = "/in";
  input.size_bytes = 1'000'000'000;
  input.replicas = {Replica{"https://data.example/", "aa-north-1", ""}};
  lifecycle.submit(submission, now);
  EXPECT_EQ(lifecycle.take(now).sends.size(), 0U);
  ASSERT_EQ(lifecycle.waiting(), 1U);
  holds.network[0].egress.micros = 1'000;
  accept(holds);
  EXPECT_EQ(lifecycle.take(now).sends.size(), 1U);
}

Now after(std::chrono::seconds span) {
  return Now{Mono::time_point(span), sample::now};
}

JobRecord job(int number) {
  JobRecord record = job();
  record.job = job_id(Sequence{static_cast<std::uint64_t>(number)});
  return record;
}

// Dispatches the job to its place, where it comes to nothing.
Decision refuse(MarketRouter& router, const JobRecord& job, Now now) {
  router.expire(now);
  router.pass(now.wall);
  const Decision decision = *router.decide(job, {}, now);
  const AttemptId attempt{job.job, 1};
  router.placed(attempt, *decision.chosen);
  router.settled(attempt, *decision.chosen, false);
  return decision;
}

// Sites that are 1 % dearer each than the one before.
void add_sites(MarketRouter& router, int count) {
  for (int number = 0; number < count; ++number) {
    add(router, sample::site("aa-north-" + std::to_string(number),
                             {sample::pool("cpu", 10'000 + 100 * number)}));
  }
}

// Few sites are surveyed, many are not; the choice is the same.
class MarketRouterUnderLoad : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Markets, MarketRouterUnderLoad, ::testing::Values(10, 100));

TEST_P(MarketRouterUnderLoad, SpreadsJobsWithinTheToleranceWhereASiteHasRefusedLately) {
  MarketRouter router{RouteOptions{}};
  add_sites(router, GetParam());
  const Decision exact = refuse(router, job(1), after(std::chrono::seconds(100)));
  EXPECT_EQ(exact.chosen->site.value, "aa-north-0");
  EXPECT_EQ(exact.tolerance_ppm, 0);
  EXPECT_EQ(exact.spare_units, 0U);
  const std::int64_t least = exact.chosen->cost.total.micros;

  std::set<std::string> sites;
  const Now now = after(std::chrono::seconds(159));
  router.expire(now);
  router.pass(now.wall);
  for (int number = 2; number < 50; ++number) {
    const Decision decision = *router.decide(job(number), {}, now);
    ASSERT_TRUE(decision.chosen.has_value());
    EXPECT_EQ(decision.tolerance_ppm, 50'000);
    EXPECT_EQ(decision.spare_units, 2U);
    EXPECT_LE(decision.chosen->cost.total.micros * 100, least * 105);
    sites.insert(decision.chosen->site.value);
    // What the decision names is enough to come to it again.
    RouteOptions named;
    named.tolerance_ppm = decision.tolerance_ppm;
    named.spare_units = decision.spare_units;
    const JobRecord record = job(number);
    const std::vector<SiteId> none;
    EXPECT_EQ(route(RouteRequest{record.spec, record.tenant, record.job.value, none}, router.view(),
                    named, now.wall)
                  .chosen,
              decision.chosen);
  }
  EXPECT_EQ(sites.size(), 6U);
}

TEST_P(MarketRouterUnderLoad, IsExactAgainAMinuteAfterTheRefusal) {
  MarketRouter router{RouteOptions{}};
  add_sites(router, GetParam());
  refuse(router, job(1), after(std::chrono::seconds(100)));
  const Now now = after(std::chrono::seconds(160));
  router.expire(now);
  router.pass(now.wall);
  for (int number = 2; number < 20; ++number) {
    const Decision decision = *router.decide(job(number), {}, now);
    EXPECT_EQ(decision.chosen->site.value, "aa-north-0");
    EXPECT_EQ(decision.tolerance_ppm, 0);
  }
}

TEST_P(MarketRouterUnderLoad, IsExactWhereAnotherSiteThanTheCheapestHasRefused) {
  MarketRouter router{RouteOptions{}};
  add_sites(router, GetParam());
  JobRecord elsewhere = job(1);
  elsewhere.spec.constraints.sites_allowed = {"aa-north-3"};
  const Now now = after(std::chrono::seconds(100));
  EXPECT_EQ(refuse(router, elsewhere, now).chosen->site.value, "aa-north-3");
  const Decision decision = *router.decide(job(2), {}, now);
  EXPECT_EQ(decision.chosen->site.value, "aa-north-0");
  EXPECT_EQ(decision.tolerance_ppm, 0);
}

TEST(MarketRouter, LetsNoJobWaitForAMarginUnderLoad) {
  MarketRouter router{RouteOptions{}};
  const SiteRecord site = sample::site("aa-north-1", {sample::pool("cpu")});
  add(router, site);
  const Now now = after(std::chrono::seconds(100));
  refuse(router, job(1), now);
  // One unit is left of sixteen, which is what the job takes.
  QuoteSheet sheet = sample::sheet(site);
  sheet.pools.front().units_free = sheet.pools.front().units_free_node = 1;
  sheet.pools.front().nodes_free = 0;
  RecordHeader header;
  header.kind = RecordKind::quote;
  header.subject = site_node(site.site);
  header.version = RecordVersion{1, 2};
  header.issued = sample::now;
  header.valid_until = sample::now + std::chrono::seconds(15);
  router.accept(Record{header, sheet});
  const Decision decision = *router.decide(job(2), {}, now);
  ASSERT_TRUE(decision.chosen.has_value());
  EXPECT_EQ(decision.spare_units, 0U);
}

TEST(MarketRouter, StaysExactUnderLoadWhenToldSo) {
  MarketRouter router{RouteOptions{}, UnderLoad{0, 0, std::chrono::seconds(0)}};
  add_sites(router, 10);
  const Now now = after(std::chrono::seconds(100));
  refuse(router, job(1), now);
  for (int number = 2; number < 20; ++number) {
    EXPECT_EQ(router.decide(job(number), {}, now)->chosen->site.value, "aa-north-0");
  }
}

// One unit is free at the cheap site, where the job that waits less long must go.
class Contention : public ::testing::Test {
 protected:
  Contention() {
    prepare(router);
    router.expire(now);
    router.pass(now.wall);
    LifecycleOptions options;
    options.settling = {};
    lifecycle.emplace(options, router);
    lifecycle->begin(Term{1}, {}, now);
  }
  static void prepare(MarketRouter& to) {
    add(to, near);
    add_sheet(to, near, 2, 1'000'000, 1);
    add(to, far);
  }
  JobId submit(const JobSpec& spec) {
    const JobId id = job_id(Sequence{lifecycle->entries_pending() + 1});
    lifecycle->submit(JobSubmitted{id, job().tenant, "ada", {}, spec}, now);
    return id;
  }
  // The first of the two, which could go to either site.
  JobId submit_both() {
    const JobId first = submit(sample::job());
    JobSpec bound = sample::job();
    bound.constraints.sites_allowed = {near.site.value};
    submit(bound);
    return first;
  }
  std::vector<const JobDecided*> decided(const LifecycleOutput& output) const {
    std::vector<const JobDecided*> all;
    for (const Entry& each : output.entries) {
      if (const auto* one = std::get_if<JobDecided>(&each.body)) all.push_back(one);
    }
    return all;
  }
  static inline const SiteRecord near = sample::site("aa-north-1", {sample::pool("cpu", 10'000)});
  static inline const SiteRecord far = sample::site("bb-south-1", {sample::pool("cpu", 20'000)});
  const Now now{{}, sample::now};
  MarketRouter router{RouteOptions{}};
  std::optional<Lifecycle> lifecycle;
};

TEST_F(Contention, IsClearedSoThatMoreRunsThanOneByOne) {
  const JobId free_to_go = submit_both();
  const LifecycleOutput output = lifecycle->take(now);
  const auto all = decided(output);
  ASSERT_EQ(all.size(), 2U);
  for (const JobDecided* each : all) {
    const bool first = each->attempt.job == free_to_go;
    EXPECT_EQ(each->decision.chosen->site, first ? far.site : near.site);
    ASSERT_TRUE(each->decision.clearing.has_value());
    EXPECT_EQ(each->decision.clearing->jobs, 2U);
    EXPECT_EQ(each->decision.clearing->margin > 0, first);
  }
  EXPECT_EQ(router.view().debited_units(near.site, PoolId{"cpu"}), 1U);
  EXPECT_EQ(router.view().debited_units(far.site, PoolId{"cpu"}), 1U);
}

TEST_F(Contention, IsClearedAgainFromTheJournalToTheSameBytes) {
  submit_both();
  const LifecycleOutput output = lifecycle->take(now);
  const auto at = std::ranges::find_if(output.entries, [](const Entry& each) {
    return std::holds_alternative<JobsCleared>(each.body);
  });
  ASSERT_NE(at, output.entries.end());
  const std::map<JobId, JobRecord> jobs = fold({output.entries.begin(), at});
  MarketRouter again{RouteOptions{}};
  prepare(again);
  Chooser chooser(again.view(), RouteOptions{});
  std::vector<RouteRequest> requests;
  const auto& listed = std::get<JobsCleared>(at->body).jobs;
  for (const JobsCleared::Job& each : listed) {
    const JobRecord& waits = jobs.at(each.job);
    requests.push_back({waits.spec, waits.tenant, waits.job.value, each.excluded});
  }
  const Cleared cleared = clear(chooser, requests, at->at);
  ASSERT_EQ(cleared.placements.size(), 2U);
  for (std::size_t number = 0; number < 2; ++number) {
    const Cleared::Placement& each = cleared.placements[number];
    const Entry expected{at->at, JobDecided{{listed[each.job].job, 1}, each.decision}};
    EXPECT_EQ(encode(*(at + 1 + static_cast<std::ptrdiff_t>(number))), encode(expected));
  }
}

TEST_F(Contention, IsLeftToOneByOneWhereThereIsRoomForAll) {
  add_sheet(router, near, 3, 1'000'000, 2);
  submit_both();
  const LifecycleOutput output = lifecycle->take(now);
  const auto all = decided(output);
  ASSERT_EQ(all.size(), 2U);
  for (const JobDecided* each : all) {
    EXPECT_EQ(each->decision.chosen->site, near.site);
    EXPECT_FALSE(each->decision.clearing.has_value());
  }
}

TEST_F(Contention, ASiteOnTrialGetsOneJobHoweverManyWantIt) {
  // Lost there three times a minute ago.
  for (int count = 0; count < 3; ++count) {
    JobRecord lost = job();
    const AttemptId attempt{lost.job, 1};
    Decision decision;
    decision.chosen.emplace().site = far.site;
    const Wall::time_point at = sample::now - std::chrono::seconds(60 - 2 * count);
    for (Entry& each : std::vector{Entry{at, JobDecided{attempt, decision}},
                                   Entry{at + std::chrono::seconds(1), AttemptLost{attempt, {}}}}) {
      router.recorded(lost, each);
      apply(lost, each);
    }
  }
  ASSERT_EQ(router.trust().of(far.site).state, TrustState::distrusted);
  router.pass(now.wall);
  ASSERT_EQ(router.trust().of(far.site).state, TrustState::on_trial);
  for (int count = 0; count < 4; ++count) submit(sample::job());
  const auto take = [&] {
    std::map<SiteId, int> jobs;
    for (const Entry& each : lifecycle->take(now).entries) {
      if (const auto* one = std::get_if<JobDecided>(&each.body)) {
        ++jobs[one->decision.chosen->site];
      }
    }
    return jobs;
  };
  EXPECT_EQ(take(), (std::map<SiteId, int>{{near.site, 1}, {far.site, 1}}));
  EXPECT_TRUE(take().empty());
}

TEST_F(Contention, IsNotClearedForJobsWithAQuoteOrTenantsWithAContract) {
  JobRecord plain = job();
  EXPECT_TRUE(router.may_clear(plain));
  plain.quote.emplace();
  EXPECT_FALSE(router.may_clear(plain));
  SiteRecord contracted = sample::site("cc-west-1", {sample::pool("cpu", 10'000)});
  Contract& contract = contracted.contracts.emplace_back();
  contract.id.value = "ours";
  contract.tenant = job().tenant;
  contract.pool.value = "cpu";
  contract.units = 1;
  add(router, contracted);
  EXPECT_FALSE(router.may_clear(job()));
}

}  // namespace
}  // namespace tradewind

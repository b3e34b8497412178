// The chooser against the plain scan and the naive twin, while the market changes under it.
#include "broker/routing/chooser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "broker/routing/route.h"
#include "broker/routing/survey.h"
#include "state/market/limits.h"
#include "tests/unit/routing/random_market.h"
#include "tests/unit/routing/twin.h"

namespace tradewind {
namespace {

using sample::Market;
using sample::Random;

// What a chooser answers where the scan answers this.
std::optional<Decision> without_survey(Decision decision) {
  if (decision.outcome != Outcome::placed) return std::nullopt;
  decision.runners_up.clear();
  decision.rejections.clear();
  decision.pools_considered = 0;
  decision.pools_adequate = 0;
  return decision;
}

// A market, the chooser over it, and the records of its sites as they are now.
class World {
 public:
  World(Random& random, std::uint32_t sites_max)
      : random_(random),
        market_(sample::random_market(random, sites_max)),
        chooser_(market_.view, market_.options) {
    for (const auto& [id, site] : market_.view.sites()) records_.push_back(site.record);
  }

  const Market& market() const { return market_; }
  RouteRequest request(const JobSpec& spec) const {
    return RouteRequest{spec, market_.tenant, market_.tie_key, market_.excluded};
  }
  std::optional<Decision> choose(const JobSpec& spec, Wall::time_point now) {
    return chooser_.choose(request(spec), now);
  }
  // Holds the job against each pool alone, as the survey does.
  void check_pools(const JobSpec& spec, Wall::time_point now) {
    const Survey found =
        survey(request(spec), market_.view, market_.options, JobData(spec, market_.view), now);
    const MarketColumns& columns = market_.view.columns();
    std::set<std::uint32_t> fitting;
    for (const FittingShape& each : chooser_.fitting_shapes(spec)) fitting.insert(each.shape);
    for (std::uint32_t site = 0; site < columns.sites_count(); ++site) {
      for (const std::uint32_t number : columns.site(site).pools) {
        const Pool* const pool = &columns.pool_record(number);
        const bool adequate =
            std::ranges::find(found.drafts, pool, &Draft::pool) != found.drafts.end();
        const Fit fit = chooser_.fit(request(spec), number, now);
        ASSERT_EQ(fit == Fit::adequate, adequate) << pool->id.value;
        if (adequate) ASSERT_TRUE(fitting.contains(columns.pool(number).shape));
        if (fit != Fit::inadequate_for_all) continue;
        // At any price and in any time.
        JobSpec free = spec;
        for (Variant& each : free.variants) each.duration_seconds = 1;
        free.run_seconds_max = 0;
        free.constraints.cost_max.reset();
        free.constraints.rate_max.reset();
        free.constraints.deadline.reset();
        free.constraints.wait_seconds_max = 0;
        ASSERT_NE(chooser_.fit(request(free), number, now), Fit::adequate) << pool->id.value;
      }
    }
    if (chooser_.may_wait(request(spec), now)) ASSERT_TRUE(found.passing);
  }
  Decision scan(const JobSpec& spec, Wall::time_point now) const {
    return route(RouteRequest{spec, market_.tenant, market_.tie_key, market_.excluded},
                 market_.view, market_.options, now);
  }

  // Gives inputs labels of what sites may hold.
  void label(JobSpec& spec) {
    for (Input& each : spec.inputs) {
      if (random_.one_in(2)) each.holding = HoldingLabel{7, 1 + random_.below(labels_count + 1)};
    }
  }

  // One of the things that happen to a market between two decisions.
  void change() {
    market_.tie_key = "j" + std::to_string(random_.below(1'000'000));
    if (records_.empty() || random_.one_in(40)) {
      records_.push_back(sample::random_site(random_, static_cast<int>(records_.size()) + 1));
      accept(records_.back());
      return;
    }
    if (random_.one_in(15)) {
      SiteTrust trust;
      trust.ppm = random_.number(0, 1'000'000);
      trust.state = random_.among({TrustState::trusted, TrustState::trusted, TrustState::on_trial,
                                   TrustState::distrusted, TrustState::tried});
      market_.view.set_trust(records_[random_.below(records_.size())].site, trust);
      return;
    }
    if (random_.one_in(20)) {
      market_.options.rates = sample::random_rates(random_);
      chooser_.set_rates(market_.options.rates);
      return;
    }
    SiteRecord& record = records_[random_.below(records_.size())];
    if (random_.one_in(6)) {
      record.holdings.clear();
      for (std::uint64_t low = 1; low <= labels_count; ++low) {
        if (random_.one_in(3)) record.holdings.push_back(HoldingLabel{7, low});
      }
      accept(record);
      return;
    }
    switch (random_.below(10)) {
      case 0: {
        // The same site with other pools, in another state, or moved.
        const SiteId id = record.site;
        record = sample::random_site(random_, 1);
        record.site = id;
        accept(record);
        return;
      }
      case 1: accept(record); return;  // again, with a later end
      case 2: {
        Member member;
        member.node = site_node(record.site);
        member.state = random_.one_in(4) ? MemberState::suspended : MemberState::active;
        market_.view.accept(Record{header(RecordKind::member, record.site), member});
        return;
      }
      case 3:
      case 4: {
        if (record.pools.empty()) return;
        if (!record.contracts.empty() && random_.one_in(3)) {
          const ContractId& contract = record.contracts[random_.below(record.contracts.size())].id;
          if (random_.one_in(2)) {
            market_.view.debit_contract(record.site, contract, random_.small(1, 4));
          } else {
            market_.view.credit_contract(record.site, contract, random_.small(1, 4));
          }
          return;
        }
        const PoolId& pool = record.pools[random_.below(record.pools.size())].id;
        const std::uint32_t units = random_.small(1, 5);
        const std::uint32_t nodes = random_.small(0, 2);
        if (random_.one_in(2)) {
          market_.view.debit(record.site, pool, units, nodes);
        } else {
          market_.view.credit(record.site, pool, units, nodes);
        }
        return;
      }
      default: {
        const QuoteSheet sheet = sample::random_sheet(random_, record);
        market_.view.accept(Record{header(RecordKind::quote, record.site), sheet});
      }
    }
  }

 private:
  static constexpr std::uint64_t labels_count = 4;

  void accept(const SiteRecord& record) {
    market_.view.accept(Record{header(RecordKind::site, record.site), record});
  }
  RecordHeader header(RecordKind kind, const SiteId& site) {
    RecordHeader result;
    result.kind = kind;
    result.subject = site_node(site);
    result.version = RecordVersion{2, ++version_};
    result.issued = sample::now - std::chrono::seconds(1);
    result.valid_until = sample::now + std::chrono::seconds(random_.number(1, 30));
    return result;
  }

  Random& random_;
  Market market_;
  Chooser chooser_;
  std::vector<SiteRecord> records_;
  std::uint64_t version_ = 0;
};

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(ChooserProperty, ChoosesWhatTheScanAndTheTwinChooseWhateverHappensToTheMarket) {
  const std::uint64_t wanted = setting("TRADEWIND_PROPERTY_CASES", 50'000);
  const std::uint64_t first_seed = setting("TRADEWIND_PROPERTY_SEED", 1);
  std::map<Outcome, std::uint64_t> outcomes;
  std::uint64_t covered = 0;
  std::uint64_t held = 0;
  std::uint64_t blocks = 0;
  std::uint64_t count = 0;
  std::uint64_t seed = first_seed;
  for (; count < wanted; ++seed) {
    Random random(seed);
    // Mostly small markets for many cases, now and then one whose shapes fill several blocks.
    const bool large = random.one_in(50);
    World world(random, large ? 120 : 8);
    for (int round = 0; round < 40 && count < wanted; ++round, ++count) {
      JobSpec spec = sample::random_job(random);
      world.label(spec);
      Wall::time_point now = sample::now;
      if (random.one_in(10)) now += std::chrono::seconds(random.number(-8, 20));
      const Decision scanned = world.scan(spec, now);
      const std::optional<Decision> chosen = world.choose(spec, now);
      ASSERT_EQ(chosen, without_survey(scanned)) << "seed " << seed;
      ++outcomes[scanned.outcome];
      if (chosen && chosen->chosen->contract_units > 0) ++covered;
      if (chosen && !chosen->chosen->held.empty()) ++held;
      const twin::Answer answer = twin::route(world.market(), spec, now);
      ASSERT_EQ(scanned.outcome, answer.outcome) << "seed " << seed;
      if (chosen) {
        ASSERT_EQ(*chosen->chosen, answer.candidates.front()) << "seed " << seed;
      }
      if (!large || random.one_in(8)) {
        world.check_pools(spec, now);
        if (HasFatalFailure()) FAIL() << "seed " << seed;
      }
      const std::uint64_t changes = random.below(4);
      for (std::uint64_t each = 0; each < changes; ++each) world.change();
    }
    const PriceIndex& index = world.market().view.columns().index();
    for (std::uint32_t group = 0; group < index.groups_count(); ++group) {
      blocks = std::max<std::uint64_t>(blocks, index.blocks(group).size());
    }
  }
  std::cout << count << " cases, seeds " << first_seed << " to " << seed - 1 << "\n";
  if (wanted < 10'000) return;
  EXPECT_GT(outcomes[Outcome::placed], wanted / 10);
  EXPECT_GT(covered, wanted / 60);
  EXPECT_GT(held, wanted / 250);
  EXPECT_GT(outcomes[Outcome::waiting], wanted / 20);
  EXPECT_GT(outcomes[Outcome::unroutable], wanted / 100);
  EXPECT_GT(blocks, 2U) << "no shape filled several blocks";
}

// Numbers at the ends of their ranges, where products do not fit and bounds must not wrap.
TEST(ChooserProperty, ChoosesWhatTheScanChoosesAtTheEndsOfAllRanges) {
  const auto big = [](Random& random) {
    return random.among<std::int64_t>({0, 1, 999'999, 1'000'000, std::int64_t{1} << 40,
                                       (std::int64_t{1} << 40) + 1, INT64_MAX / 2, INT64_MAX});
  };
  std::map<Outcome, int> outcomes;
  for (std::uint64_t seed = 1; seed <= 4'000; ++seed) {
    Random random(seed);
    Market market;
    market.options.tolerance_ppm = random.among<std::int64_t>({0, 0, 1, INT64_MAX});
    market.options.spare_units = random.among({0U, UINT32_MAX});
    market.options.rates.rates_ppm["EUR"] = big(random);
    const std::uint32_t sites = random.small(1, 5);
    for (std::uint32_t number = 1; number <= sites; ++number) {
      SiteRecord record = sample::random_site(random, static_cast<int>(number));
      record.policy = SitePolicy{};
      record.policy.run_seconds_max = UINT32_MAX;
      for (NetworkTariff& row : record.network) {
        if (random.one_in(2)) row.egress.micros = random.one_in(4) ? -1 : big(random);
        if (random.one_in(4)) row.bandwidth_mbit = random.among<std::uint64_t>({1, UINT64_MAX});
      }
      for (Pool& pool : record.pools) {
        Tariff& tariff = pool.tariff;
        if (random.one_in(4)) tariff.cpu_hour.micros = random.one_in(8) ? -1 : big(random);
        if (random.one_in(4)) tariff.node_hour.micros = random.one_in(8) ? -5 : big(random);
        if (random.one_in(4)) tariff.fixed_fee.micros = random.one_in(8) ? -5 : big(random);
        if (random.one_in(4)) tariff.preemptible_ppm = big(random);
        if (random.one_in(4)) tariff.interruptions_ppm_hour = big(random);
        if (random.one_in(4)) tariff.increment_seconds = random.among({0U, UINT32_MAX});
        if (random.one_in(4)) pool.performance_ppm["default"] = random.one_in(8) ? -1 : big(random);
        if (random.one_in(4)) pool.nodes = UINT32_MAX;
        if (random.one_in(4)) pool.unit = Resources{1, 1, 1, 0};
        if (random.one_in(4)) pool.node = Resources{UINT32_MAX, UINT64_MAX, UINT64_MAX, 0};
      }
      QuoteSheet sheet = sample::sheet(record);
      for (PoolQuote& each : sheet.pools) {
        if (random.one_in(3)) {
          each.units_free = each.units_free_node = each.nodes_free = UINT32_MAX;
        }
        if (random.one_in(4)) each.price_ppm = random.one_in(8) ? -1 : big(random);
        if (random.one_in(4)) each.wait_seconds = UINT32_MAX;
      }
      market.add(record, sheet);
    }
    Chooser chooser(market.view, market.options);
    for (int round = 0; round < 6; ++round) {
      JobSpec spec = sample::random_job(random);
      if (random.one_in(4)) spec.nodes = random.among({4'096U, UINT32_MAX});
      if (random.one_in(4)) spec.resources.cpus = UINT32_MAX;
      if (random.one_in(3)) spec.value_per_hour.micros = random.one_in(4) ? -7 : big(random);
      for (Variant& variant : spec.variants) {
        if (random.one_in(4)) variant.duration_seconds = static_cast<std::uint64_t>(big(random));
        if (random.one_in(3)) variant.work_seconds = static_cast<std::uint64_t>(big(random));
      }
      for (Input& input : spec.inputs) {
        if (random.one_in(4)) input.size_bytes = random.one_in(2) ? UINT64_MAX : 1ULL << 62;
      }
      spec.constraints.deadline.reset();
      const Decision scanned = market.route(spec);
      const std::optional<Decision> chosen = chooser.choose(
          RouteRequest{spec, market.tenant, market.tie_key, market.excluded}, sample::now);
      ASSERT_EQ(chosen, without_survey(scanned)) << "seed " << seed;
      ++outcomes[scanned.outcome];
    }
  }
  EXPECT_GT(outcomes[Outcome::placed], 2'000);
}

TEST(Chooser, TellsAtAGlanceWhetherAJobMayWait) {
  Market market;
  const SiteRecord site = sample::site("aa-north-1", {sample::pool("cpu")});
  QuoteSheet full = sample::sheet(site);
  full.pools[0].units_free = full.pools[0].units_free_node = full.pools[0].nodes_free = 0;
  market.add(site, full);
  Chooser chooser(market.view, market.options);
  JobSpec spec = sample::job();
  const RouteRequest request{spec, market.tenant, market.tie_key, market.excluded};
  EXPECT_EQ(chooser.choose(request, sample::now), std::nullopt);
  EXPECT_TRUE(chooser.may_wait(request, sample::now));
  spec.resources.cpus = 17;
  EXPECT_EQ(chooser.choose(request, sample::now), std::nullopt);
  EXPECT_FALSE(chooser.may_wait(request, sample::now));
}

TEST(Chooser, RoutesJobsOfWorkloadClassesThatAreNotIndexed) {
  Market market;
  Pool many = sample::pool("many", 20'000);
  for (std::size_t number = 0; number < limits::workloads_indexed_max; ++number) {
    many.performance_ppm["class-" + std::to_string(number)] = ppm_one;
  }
  Pool rare = sample::pool("rare", 10'000);
  rare.performance_ppm["rare"] = ppm_one;
  market.add(sample::site("aa-north-1", {many}));
  market.add(sample::site("bb-south-1", {rare}));
  ASSERT_TRUE(market.view.columns().workloads_left_out());
  JobSpec spec = sample::job();
  spec.variants[0].duration_seconds = 0;
  spec.variants[0].work_seconds = 600;
  spec.variants[0].workload_class = "rare";
  Chooser chooser(market.view, market.options);
  const std::optional<Decision> decision = chooser.choose(
      RouteRequest{spec, market.tenant, market.tie_key, market.excluded}, sample::now);
  ASSERT_TRUE(decision.has_value());
  EXPECT_EQ(decision->chosen->pool.value, "rare");
}

TEST(Chooser, RoutesJobsWithDataAtMorePlacesThanItIndexes) {
  Market market;
  market.add(sample::site("aa-north-1", {sample::pool("cpu")}));
  JobSpec spec = sample::job();
  for (int number = 0; number < 40; ++number) {
    Input& input = spec.inputs.emplace_back();
    input.size_bytes = 1'000;
    input.replicas = {Replica{"https://x.example/", "", "region-" + std::to_string(number)}};
  }
  Chooser chooser(market.view, market.options);
  const std::optional<Decision> decision = chooser.choose(
      RouteRequest{spec, market.tenant, market.tie_key, market.excluded}, sample::now);
  ASSERT_TRUE(decision.has_value());
  EXPECT_EQ(without_survey(*decision), without_survey(market.route(spec)));
}

}  // namespace
}  // namespace tradewind

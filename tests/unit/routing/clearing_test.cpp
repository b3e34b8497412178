// Clearings against greedy assignments made one by one, against brute force, and against a naive
// check of what each placement leaves.
#include "broker/routing/clearing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "schemas/limits.h"
#include "tests/unit/routing/random_market.h"

namespace tradewind {
namespace {

using sample::Contest;
using sample::Market;
using sample::Queue;
using sample::Random;
using Wide = ClearingValue::Wide;

Cleared cleared(const Market& market, const Queue& queue, const ClearingOptions& options = {}) {
  Chooser chooser(market.view, market.options);
  return clear(chooser, queue.requests(market), sample::now, options);
}

ClearingOptions every_way() {
  ClearingOptions options;
  options.ways_min = options.ways_max = 1'000'000;
  return options;
}

// A market with no data to move, so that what a job costs at each pool is easy to tell.
JobSpec plain_job(std::uint32_t cpus, std::uint64_t seconds = 3'600) {
  JobSpec spec = sample::job();
  spec.resources.cpus = cpus;
  spec.resources.memory_mib = 1'024;
  spec.variants[0].duration_seconds = seconds;
  return spec;
}

const ClearingValue& taken(const Cleared& result) {
  return result.by_flow ? *result.flow : result.greedy;
}

// Debits the placements one after the other in the view itself, with the plain scan as the judge of
// whether each is adequate by then.
void expect_each_fits(Market& market, const Queue& queue, const Cleared& result) {
  RouteOptions exact = market.options;
  exact.tolerance_ppm = 0;
  std::set<std::uint32_t> seen;
  for (const Cleared::Placement& each : result.placements) {
    ASSERT_TRUE(seen.insert(each.job).second) << "placed twice";
    const Candidate& chosen = *each.decision.chosen;
    JobSpec here = queue.specs[each.job];
    ASSERT_TRUE(here.constraints.sites_allowed.empty() ||
                std::ranges::find(here.constraints.sites_allowed, chosen.site.value) !=
                    here.constraints.sites_allowed.end());
    here.constraints.sites_allowed = {chosen.site.value};
    const Decision judged =
        route(RouteRequest{here, market.tenant, queue.keys[each.job], market.excluded}, market.view,
              exact, sample::now);
    std::vector<Candidate> adequate = judged.runners_up;
    if (judged.chosen) adequate.insert(adequate.begin(), *judged.chosen);
    ASSERT_NE(std::ranges::find(adequate, chosen), adequate.end())
        << "job " << each.job << " does not fit at " << chosen.site.value << "/"
        << chosen.pool.value;
    market.view.debit(chosen.site, chosen.pool, chosen.units * chosen.nodes, chosen.nodes);
  }
}

// The decisions of one job after the other, each debited before the next.
std::map<std::uint32_t, Decision> one_by_one(Market& market, const Queue& queue) {
  RouteOptions exact = market.options;
  exact.tolerance_ppm = 0;
  Chooser chooser(market.view, exact);
  const std::vector<RouteRequest> requests = queue.requests(market);
  std::map<std::uint32_t, Decision> result;
  for (std::uint32_t job = 0; job < requests.size(); ++job) {
    const std::optional<Decision> decision = chooser.choose(requests[job], sample::now);
    if (!decision) continue;
    const Candidate& chosen = *decision->chosen;
    market.view.debit(chosen.site, chosen.pool, chosen.units * chosen.nodes, chosen.nodes);
    result[job] = *decision;
  }
  return result;
}

TEST(ClearingProperty, IsNeverWorseThanGreedyNorBelowTheBoundAndNeverOversubscribes) {
  int flows = 0;
  int taken_flows = 0;
  int several_nodes = 0;
  for (std::uint64_t seed = 1; seed <= 1'500; ++seed) {
    Random random(seed);
    Contest each = sample::random_contest(random, 10, 12);
    const Cleared result = cleared(each.market, each.queue);
    const ClearingValue& value = taken(result);
    ASSERT_LE(value.total(), result.greedy.total()) << "seed " << seed;
    ASSERT_LE(result.bound, value.total()) << "seed " << seed;
    ASSERT_EQ(result.placements.size(), value.jobs_placed);
    for (const Cleared::Placement& placement : result.placements) {
      ASSERT_EQ(placement.decision.clearing->jobs, each.queue.specs.size());
      ASSERT_GE(placement.decision.clearing->margin, 0);
      several_nodes += placement.decision.chosen->nodes > 1 ? 1 : 0;
    }
    expect_each_fits(each.market, each.queue, result);
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
    flows += result.flow ? 1 : 0;
    taken_flows += result.by_flow ? 1 : 0;
  }
  EXPECT_GT(flows, 500);
  EXPECT_GT(taken_flows, 100);
  EXPECT_GT(several_nodes, 100);
}

TEST(ClearingProperty, TakesForGreedyWhatOneDecisionAfterTheOtherComesTo) {
  ClearingOptions no_flow;
  no_flow.kinds_max = 0;
  std::size_t placed = 0;
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
    Random random(seed);
    Contest each = sample::random_contest(random, 8, 8);
    const Cleared result = cleared(each.market, each.queue, no_flow);
    std::map<std::uint32_t, Decision> expected = one_by_one(each.market, each.queue);
    ASSERT_EQ(result.placements.size(), expected.size()) << "seed " << seed;
    for (const Cleared::Placement& placement : result.placements) {
      Decision decision = placement.decision;
      decision.clearing.reset();
      ASSERT_EQ(decision, expected.at(placement.job)) << "seed " << seed;
    }
    placed += expected.size();
  }
  EXPECT_GT(placed, 3'000U);
}

// Every assignment of jobs to pools of limited room, and nothing.
class BruteForce {
 public:
  // `values`: by job and pool, negative where it may not go; `rejects` by job.
  BruteForce(std::vector<std::vector<Wide>> values, std::vector<Wide> rejects,
             std::vector<std::vector<std::uint32_t>> units, std::vector<std::uint32_t> room)
      : values_(std::move(values)),
        rejects_(std::move(rejects)),
        units_(std::move(units)),
        room_(std::move(room)) {}

  Wide least(std::size_t job = 0) {
    if (job == values_.size()) return 0;
    Wide best = rejects_[job] + least(job + 1);
    for (std::size_t pool = 0; pool < room_.size(); ++pool) {
      if (values_[job][pool] < 0 || room_[pool] < units_[job][pool]) continue;
      room_[pool] -= units_[job][pool];
      best = std::min(best, values_[job][pool] + least(job + 1));
      room_[pool] += units_[job][pool];
    }
    return best;
  }

 private:
  std::vector<std::vector<Wide>> values_;
  std::vector<Wide> rejects_;
  std::vector<std::vector<std::uint32_t>> units_;
  std::vector<std::uint32_t> room_;
};

// What the best of all assignments comes to, with the reject prices of docs/routing.md worked out
// once more from its formulas. All pools sell units of 4 CPUs and 16 GiB.
Wide brute_force(const Market& market, const Queue& queue) {
  std::vector<SiteId> pools;
  std::vector<std::uint32_t> room;
  for (const auto& [id, site] : market.view.sites()) {
    pools.push_back(id);
    room.push_back(site.sheet->pools[0].units_free -
                   market.view.debited_units(id, site.record.pools[0].id));
  }
  std::vector<std::vector<Wide>> values;
  std::vector<std::vector<std::uint32_t>> units;
  std::vector<std::uint32_t> sizes;
  std::uint32_t common = 0;
  for (std::size_t job = 0; job < queue.specs.size(); ++job) {
    values.emplace_back(pools.size(), -1);
    units.emplace_back(pools.size(), 0);
    std::uint32_t size = 0;
    for (std::size_t pool = 0; pool < pools.size(); ++pool) {
      JobSpec here = queue.specs[job];
      here.constraints.sites_allowed = {pools[pool].value};
      const Decision decision = market.route(here);
      if (!decision.chosen) continue;
      values[job][pool] = decision.chosen->cost.total.micros;
      units[job][pool] = decision.chosen->units;
      size = 8 * decision.chosen->units;
    }
    sizes.push_back(size);
    common = std::gcd(common, size);
  }
  Wide dearest = 0;
  for (std::size_t job = 0; job < values.size(); ++job) {
    if (sizes[job] == 0) continue;
    Wide alone = INT64_MAX;
    for (const Wide value : values[job]) {
      if (value >= 0) alone = std::min(alone, value);
    }
    const Wide size = sizes[job] / common;
    dearest = std::max(dearest, (alone + size - 1) / size);
  }
  std::vector<Wide> rejects;
  for (std::size_t job = 0; job < values.size(); ++job) {
    rejects.push_back(1'024 * (1 + dearest) * (101 + queue.specs[job].priority) *
                      (sizes[job] / std::max(1U, common)));
  }
  return BruteForce(values, rejects, units, room).least();
}

Market small_market(Random& random, std::uint32_t sites, std::uint32_t units_most) {
  Market market;
  for (std::uint32_t number = 0; number < sites; ++number) {
    const SiteRecord record =
        sample::site("aa-north-" + std::to_string(number),
                     {sample::pool("cpu", static_cast<std::int64_t>(random.small(1, 9)) * 10'000)});
    QuoteSheet sheet = sample::sheet(record);
    sheet.pools[0].nodes_free = 0;
    sheet.pools[0].units_free = random.small(1, units_most);
    sheet.pools[0].units_free_node = std::min(4U, sheet.pools[0].units_free);
    market.add(record, sheet);
  }
  return market;
}

TEST(ClearingProperty, IsOptimalWhereAllJobsAreOfOneSize) {
  int better = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Random random(seed);
    const Market market = small_market(random, 4, 3);
    Queue queue;
    const std::uint32_t jobs = random.small(3, 7);
    for (std::uint32_t job = 0; job < jobs; ++job) {
      JobSpec spec = plain_job(4, random.small(1, 5) * 1'000);
      spec.priority = random.among({0, 0, 0, 50, -100});
      if (random.one_in(2)) spec.constraints.sites_denied = {"aa-north-0"};
      if (random.one_in(3)) spec.constraints.sites_denied = {"aa-north-1", "aa-north-2"};
      if (random.one_in(4)) spec.constraints.cost_max = Money{random.number(10'000, 200'000)};
      queue.add(spec);
    }
    const Cleared result = cleared(market, queue, every_way());
    const Wide best = brute_force(market, queue);
    ASSERT_EQ(taken(result).total(), best) << "seed " << seed;
    // Rounding costs down for the flow may cost the bound a micro-unit a job.
    ASSERT_LE(result.bound, best);
    ASSERT_GE(result.bound + jobs, best) << "seed " << seed;
    better += best < result.greedy.total() ? 1 : 0;
  }
  EXPECT_GT(better, 50) << "greedy was optimal nearly always: that shows little";
}

TEST(ClearingProperty, IsBetweenTheBestAssignmentAndGreedyWhereSizesDiffer) {
  Wide best_sum = 0;
  Wide greedy_sum = 0;
  Wide sum = 0;
  int optimal = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Random random(seed);
    const Market market = small_market(random, 4, 6);
    Queue queue;
    const std::uint32_t jobs = random.small(3, 7);
    for (std::uint32_t job = 0; job < jobs; ++job) {
      JobSpec spec = plain_job(4 * random.small(1, 4), random.small(1, 5) * 1'000);
      if (random.one_in(3)) spec.constraints.sites_denied = {"aa-north-0"};
      queue.add(spec);
    }
    const Cleared result = cleared(market, queue, every_way());
    const Wide best = brute_force(market, queue);
    ASSERT_LE(result.bound, best) << "seed " << seed;
    ASSERT_GE(taken(result).total(), best) << "seed " << seed;
    optimal += taken(result).total() == best ? 1 : 0;
    best_sum += best;
    greedy_sum += result.greedy.total();
    sum += taken(result).total();
  }
  EXPECT_GT(optimal, 250);
  // At least half of what greedy loses is won back.
  EXPECT_LT(sum - best_sum, (greedy_sum - best_sum) / 2);
}

// Two sites, the second five times dearer; each has room for one job.
Market two_places() {
  Market market;
  market.add(sample::site("aa-north-1", {sample::pool("cpu", 10'000, 1)}));
  market.add(sample::site("bb-south-1", {sample::pool("cpu", 50'000, 1)}));
  return market;
}

TEST(ClearingProperty, HoldsAtTheEndsOfAllRanges) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    Random random(seed);
    Contest each = sample::random_contest(random, 0, 6);
    const std::uint32_t sites = random.small(1, 4);
    for (std::uint32_t number = 1; number <= sites; ++number) {
      SiteRecord record = sample::random_site(random, static_cast<int>(number));
      for (Pool& pool : record.pools) {
        const std::int64_t most = INT64_MAX / 8;
        if (random.one_in(3)) pool.tariff.fixed_fee.micros = random.number(most - 9, most);
        if (random.one_in(4)) pool.tariff.cpu_hour.micros = random.number(0, most / 4);
        if (random.one_in(3)) pool.nodes = UINT32_MAX;
        if (random.one_in(3)) pool.unit = Resources{1, 64, 64, 0};
        if (random.one_in(3)) pool.node = Resources{UINT32_MAX, UINT64_MAX, UINT64_MAX, 0};
      }
      QuoteSheet sheet = sample::sheet(record);
      for (PoolQuote& quote : sheet.pools) {
        if (random.one_in(3)) quote.units_free = quote.nodes_free = UINT32_MAX;
        if (random.one_in(3)) quote.units_free_node = UINT32_MAX;
      }
      each.market.add(record, sheet);
    }
    for (JobSpec& spec : each.queue.specs) {
      if (random.one_in(4)) spec.resources.memory_mib = UINT32_MAX;
      if (random.one_in(4)) spec.nodes = limits::nodes_per_job_max;
      if (random.one_in(4)) spec.priority = random.one_in(2) ? INT32_MIN : INT32_MAX;
      if (random.one_in(4)) spec.variants[0].work_seconds = UINT64_MAX;
    }
    const Cleared result = cleared(each.market, each.queue);
    ASSERT_LE(taken(result).total(), result.greedy.total()) << "seed " << seed;
    ASSERT_LE(result.bound, taken(result).total()) << "seed " << seed;
    expect_each_fits(each.market, each.queue, result);
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
  }
}

TEST(Clearing, LetsTheJobWithTheAlternativeGiveWay) {
  const Market market = two_places();
  Queue queue;
  queue.add(plain_job(16));
  queue.add(plain_job(16));
  queue.specs[1].constraints.sites_allowed = {"aa-north-1"};
  const Cleared result = cleared(market, queue);
  EXPECT_EQ(result.greedy.jobs_placed, 1U);
  EXPECT_TRUE(result.by_flow);
  ASSERT_EQ(result.placements.size(), 2U);
  for (const Cleared::Placement& each : result.placements) {
    const bool first = each.job == 0;
    EXPECT_EQ(each.decision.chosen->site.value, first ? "bb-south-1" : "aa-north-1");
    EXPECT_EQ(each.decision.clearing->jobs, 2U);
    // 16 CPUs for an hour at 0.05 instead of 0.01.
    EXPECT_EQ(each.decision.clearing->margin, first ? 640'000 : 0);
    EXPECT_EQ(each.decision.relied_on.site, each.decision.chosen->site);
  }
}

TEST(Clearing, GivesTheCheapPlaceToTheJobThatSavesMost) {
  const Market market = two_places();
  Queue queue;
  queue.add(plain_job(16, 600));
  queue.add(plain_job(16, 36'000));
  const Cleared result = cleared(market, queue);
  ASSERT_EQ(result.placements.size(), 2U);
  for (const Cleared::Placement& each : result.placements) {
    EXPECT_EQ(each.decision.chosen->site.value, each.job == 0 ? "bb-south-1" : "aa-north-1");
  }
}

TEST(Clearing, LetsNoJobPayMoreThanItsBudgetToMakeRoom) {
  const Market market = two_places();
  Queue queue;
  queue.add(plain_job(16));
  queue.add(plain_job(16));
  for (JobSpec& each : queue.specs) each.constraints.cost_max = Money{200'000};
  const Cleared result = cleared(market, queue);
  ASSERT_EQ(result.placements.size(), 1U);
  EXPECT_EQ(result.placements[0].decision.chosen->site.value, "aa-north-1");
}

TEST(Clearing, PlacesTheHigherPrioritiesWhereNotAllHaveRoom) {
  Market market;
  market.add(sample::site("aa-north-1", {sample::pool("cpu", 10'000, 2)}));
  Queue queue;
  for (const std::int32_t priority : {-100, 0, 100, 0, 1}) {
    queue.add(plain_job(16, 3'600 + static_cast<std::uint64_t>(priority + 100)));
    queue.specs.back().priority = priority;
  }
  const Cleared result = cleared(market, queue);
  std::set<std::int32_t> placed;
  for (const Cleared::Placement& each : result.placements) {
    placed.insert(queue.specs[each.job].priority);
  }
  EXPECT_EQ(placed, (std::set<std::int32_t>{1, 100}));
}

TEST(Clearing, CountsSecondsForTheFastestAndMoneyForTheCheapest) {
  Market market;
  Pool slow = sample::pool("cpu", 10'000, 1);
  Pool fast = sample::pool("cpu", 20'000, 1);
  fast.performance_ppm = {{"default", 4 * ppm_one}};
  market.add(sample::site("aa-north-1", {slow}));
  market.add(sample::site("bb-south-1", {fast}));
  // Both prefer the fast one, which the first gets that waits; the cheapest would only save a
  // little.
  Queue queue;
  for (const Objective objective : {Objective::cheapest, Objective::fastest}) {
    JobSpec spec = plain_job(16, 0);
    spec.variants[0].work_seconds = 7'200;
    spec.objective = objective;
    queue.add(spec);
  }
  const Cleared result = cleared(market, queue);
  EXPECT_TRUE(result.by_flow);
  ASSERT_EQ(result.placements.size(), 2U);
  for (const Cleared::Placement& each : result.placements) {
    EXPECT_EQ(each.decision.chosen->site.value, each.job == 0 ? "aa-north-1" : "bb-south-1");
    EXPECT_EQ(each.decision.clearing->margin, each.job == 0 ? 160'000 : 0);
  }
}

TEST(Clearing, IsTheGreedyAssignmentWhereNobodyHasToGiveWay) {
  Market market;
  market.add(sample::site("aa-north-1", {sample::pool("cpu")}));
  Queue queue;
  queue.add(plain_job(4), 3);
  const Cleared result = cleared(market, queue);
  EXPECT_FALSE(result.flow.has_value());
  EXPECT_EQ(result.bound, result.greedy.total());
  EXPECT_EQ(result.placements.size(), 3U);
}

TEST(Clearing, FallsBackToGreedyBeyondItsBounds) {
  const Market market = two_places();
  Queue queue;
  queue.add(plain_job(16, 600));
  queue.add(plain_job(16, 36'000));
  for (std::size_t ClearingOptions::* bound :
       {&ClearingOptions::kinds_max, &ClearingOptions::nodes_max, &ClearingOptions::arcs_max}) {
    ClearingOptions options;
    options.*bound = 0;
    const Cleared result = cleared(market, queue, options);
    EXPECT_FALSE(result.flow.has_value());
    EXPECT_EQ(result.placements.size(), 2U);
    EXPECT_LE(result.bound, result.greedy.total());
  }
}

TEST(Clearing, PlacesNothingWithoutJobsOrWithoutAMarket) {
  const Market nowhere;
  Queue queue;
  EXPECT_TRUE(cleared(two_places(), queue).placements.empty());
  queue.add(plain_job(4), 2);
  EXPECT_TRUE(cleared(nowhere, queue).placements.empty());
}

}  // namespace
}  // namespace tradewind

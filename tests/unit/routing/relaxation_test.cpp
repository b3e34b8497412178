// What would change the answer: in small markets that can be followed by hand, and as a property
// over random ones.
#include "broker/routing/relaxation.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "broker/routing/choice.h"
#include "broker/routing/limits.h"
#include "tests/unit/routing/random_market.h"

namespace tradewind {
namespace {

using sample::Market;

Relaxations relaxations_of(const Market& market, const JobSpec& spec) {
  RouteOptions options = market.options;
  options.tolerance_ppm = 0;
  Chooser chooser(market.view, options);
  return relaxations(RouteRequest{spec, market.tenant, market.tie_key, market.excluded},
                     market.view, chooser, sample::now);
}

// A pool of 16 CPUs at 10,000 a CPU hour that takes an hour for the sample job, and one at half
// the price that takes two.
Market slow_and_cheap() {
  Market market;
  market.add(sample::site("aa-north-1", {sample::pool("fast", 40'000)}));
  Pool slow = sample::pool("slow", 10'000);
  slow.performance_ppm["default"] = 500'000;
  market.add(sample::site("bb-south-1", {slow}));
  return market;
}

JobSpec work_of_an_hour() {
  JobSpec spec = sample::job();
  spec.variants[0].duration_seconds = 0;
  spec.variants[0].work_seconds = 3'600;
  return spec;
}

TEST(Relaxation, OfADeadlineIsTheLeastThatLetsTheCheaperPoolFinish) {
  const Market market = slow_and_cheap();
  JobSpec spec = work_of_an_hour();
  spec.constraints.deadline = sample::now + std::chrono::seconds(5'000);
  const Relaxations told = relaxations_of(market, spec);
  ASSERT_EQ(told.list.size(), 1U);
  EXPECT_TRUE(told.complete);
  const Relaxation& first = told.list[0];
  EXPECT_EQ(first.constraint, ReasonCode::deadline);
  EXPECT_EQ(first.from, 5'000);
  EXPECT_EQ(first.to, 7'200);
  EXPECT_EQ(first.chosen.site.value, "bb-south-1");
  EXPECT_EQ(first.saving.micros, 160'000 - 80'000);
  EXPECT_EQ(first.better_ppm, 500'000);
  EXPECT_EQ(first.detail,
            "2200 s more until the deadline saves 0.08 USD (50.0 %): bb-south-1/slow at 0.08 USD, "
            "finished in 7200 s");
}

TEST(Relaxation, OfWhatIsAllowedNamesTheOnePlaceThatBringsMost) {
  Market market;
  market.add(sample::site("aa-north-1", {sample::pool("cpu", 40'000)}));
  market.add(sample::site("bb-south-1", {sample::pool("cpu", 20'000)}));
  market.add(sample::site("cc-west-1", {sample::pool("cpu", 30'000)}));
  JobSpec spec = sample::job();
  spec.constraints.regions_allowed = {"aa-north"};
  const Relaxations told = relaxations_of(market, spec);
  ASSERT_EQ(told.list.size(), 1U);
  EXPECT_EQ(told.list[0].constraint, ReasonCode::region_denied);
  EXPECT_EQ(told.list[0].value, "bb-south");
  EXPECT_EQ(relaxed(spec, told.list[0], sample::now).constraints.regions_allowed,
            (std::vector<std::string>{"aa-north", "bb-south"}));
}

TEST(Relaxation, OfSeveralConstraintsComesTheBestFirst) {
  Market market = slow_and_cheap();
  market.add(sample::site("cc-west-1", {sample::pool("cpu", 30'000)}));
  JobSpec spec = work_of_an_hour();
  spec.constraints.deadline = sample::now + std::chrono::seconds(5'000);
  spec.constraints.sites_denied = {"cc-west-1"};
  const Relaxations told = relaxations_of(market, spec);
  ASSERT_EQ(told.list.size(), 2U);
  EXPECT_EQ(told.list[0].constraint, ReasonCode::deadline);
  EXPECT_EQ(told.list[1].constraint, ReasonCode::site_denied);
  EXPECT_EQ(told.list[1].value, "cc-west-1");
}

TEST(Relaxation, OfTheNeedIsToldOnlyWhereNothingIsAdequate) {
  Market market;
  market.add(sample::site("aa-north-1", {sample::pool("cpu")}));
  EXPECT_TRUE(relaxations_of(market, sample::job()).list.empty());
  JobSpec large = sample::job();
  large.resources.cpus = 24;
  const Relaxations told = relaxations_of(market, large);
  ASSERT_EQ(told.list.size(), 1U);
  EXPECT_EQ(told.list[0].constraint, ReasonCode::cpus);
  EXPECT_EQ(told.list[0].from, 24);
  EXPECT_EQ(told.list[0].to, 16);
  EXPECT_EQ(told.list[0].saving.micros, 0);
  EXPECT_TRUE(told.list[0].detail.starts_with("16 CPUs a node would do: aa-north-1/cpu at "));
}

TEST(Relaxation, NeverMovesDataOutOfItsJurisdiction) {
  Market market;
  market.add(sample::site("aa-north-1", {sample::pool("cpu", 40'000)}));
  market.add(sample::site("bb-south-1", {sample::pool("cpu", 10'000)}));
  JobSpec spec = sample::job();
  Input input;
  input.path = "/in";
  input.content = "x";
  input.residency = {Jurisdiction{"AA"}};
  spec.inputs = {input};
  EXPECT_TRUE(relaxations_of(market, spec).list.empty());
}

TEST(Relaxation, GivesUpLoudlyOnAJobOfMoreConstraintsThanItTries) {
  Market market;
  Pool labelled = sample::pool("cpu", 10'000);
  market.add(sample::site("aa-north-1", {labelled}));
  JobSpec spec = sample::job();
  for (std::size_t each = 0; each <= limits::relaxation_choices_max; ++each) {
    spec.constraints.labels["key" + std::to_string(each)] = "wanted";
  }
  EXPECT_FALSE(relaxations_of(market, spec).complete);
}

std::uint64_t cases_wanted() {
  const char* const text = std::getenv("TRADEWIND_PROPERTY_CASES");
  return text == nullptr ? 20'000 : std::strtoull(text, nullptr, 10);
}

std::int64_t value_of(const JobSpec& spec, const Candidate& candidate) {
  return objective_value(spec, candidate.cost, candidate.finish);
}

TEST(RelaxationProperty, RoutingTheRelaxedJobGivesWhatIsToldAndNoSmallerStepDoesBetter) {
  std::map<ReasonCode, int> seen;
  for (std::uint64_t seed = 1; seed <= cases_wanted(); ++seed) {
    sample::Random random(seed);
    Market market = sample::random_market(random, 10);
    market.options.tolerance_ppm = 0;
    const JobSpec spec = sample::random_job(random);
    const Decision before = market.route(spec);
    const auto better = [&](const Decision& decision) {
      return decision.chosen &&
             (!before.chosen || value_of(spec, *decision.chosen) < value_of(spec, *before.chosen));
    };
    const Relaxations told = relaxations_of(market, spec);
    ASSERT_TRUE(told.complete);
    ASSERT_LE(told.list.size(), limits::relaxations_max);
    for (const Relaxation& each : told.list) {
      ++seen[each.constraint];
      SCOPED_TRACE("seed " + std::to_string(seed) + " " + each.detail);
      const Decision after = market.route(relaxed(spec, each, sample::now));
      ASSERT_TRUE(better(after));
      ASSERT_EQ(*after.chosen, each.chosen);
      if (before.chosen) {
        ASSERT_EQ(each.saving.micros,
                  before.chosen->cost.total.micros - after.chosen->cost.total.micros);
        ASSERT_GE(each.better_ppm, 0);
      }
      if (each.from == each.to) continue;
      // The step just below, and some anywhere below it.
      const std::int64_t sign = each.to > each.from ? 1 : -1;
      const std::int64_t steps = sign * (each.to - each.from);
      std::set<std::int64_t> smaller{steps - 1};
      for (int tried = 0; tried < 3; ++tried) {
        smaller.insert(random.number(0, steps - 1));
      }
      for (const std::int64_t step : smaller) {
        Relaxation less = each;
        less.to = each.from + sign * step;
        ASSERT_FALSE(better(market.route(relaxed(spec, less, sample::now)))) << step;
      }
    }
    // What is not told would not have helped, as far as a few wide steps can show.
    if (told.list.size() == limits::relaxations_max) continue;
    const auto tells = [&](ReasonCode constraint) {
      return std::ranges::any_of(told.list, [&](const Relaxation& relaxation) {
        return relaxation.constraint == constraint;
      });
    };
    JobSpec wide = spec;
    wide.constraints.deadline.reset();
    if (!tells(ReasonCode::deadline)) ASSERT_FALSE(better(market.route(wide))) << "seed " << seed;
    wide = spec;
    wide.constraints.rate_max.reset();
    if (!tells(ReasonCode::rate_cap)) ASSERT_FALSE(better(market.route(wide))) << "seed " << seed;
    wide = spec;
    wide.constraints.preemptible_allowed = true;
    if (!tells(ReasonCode::preemptible_only)) {
      ASSERT_FALSE(better(market.route(wide))) << "seed " << seed;
    }
    for (const std::string region : {"aa-north", "bb-south", "cc-west", "dd-far"}) {
      wide = relaxed(spec, Relaxation{.constraint = ReasonCode::region_denied, .value = region},
                     sample::now);
      if (!tells(ReasonCode::region_denied)) {
        ASSERT_FALSE(better(market.route(wide))) << "seed " << seed;
      }
    }
  }
  for (const ReasonCode each : {ReasonCode::architecture,
                                ReasonCode::accelerator_model,
                                ReasonCode::accelerator_memory,
                                ReasonCode::interconnect,
                                ReasonCode::accelerator_count,
                                ReasonCode::cpus,
                                ReasonCode::memory,
                                ReasonCode::disk,
                                ReasonCode::nodes,
                                ReasonCode::site_denied,
                                ReasonCode::region_denied,
                                ReasonCode::jurisdiction_denied,
                                ReasonCode::provider_denied,
                                ReasonCode::label,
                                ReasonCode::preemptible_only,
                                ReasonCode::carbon,
                                ReasonCode::latency,
                                ReasonCode::rate_cap,
                                ReasonCode::wait,
                                ReasonCode::deadline,
                                ReasonCode::budget}) {
    EXPECT_GT(seen[each], 0) << to_string(each);
  }
}

}  // namespace
}  // namespace tradewind

// The sample sites promise a market in which data, prices and architectures each decide once.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/routing/route.h"
#include "gateway/pricing/quote_sheet.h"
#include "gateway/site_file.h"
#include "schemas/limits.h"
#include "schemas/record.h"
#include "state/market/market_view.h"

namespace tradewind {
namespace {

const Wall::time_point now = wall_from_ms(1'000'000);

class SampleMarket {
 public:
  explicit SampleMarket(const std::vector<std::string>& files) {
    for (const std::string& each : files) add(each);
  }

  Decision decide(const JobSpec& spec) const {
    return route(RouteRequest{spec, TenantId{"default"}, "job", {}}, view_, RouteOptions{}, now);
  }
  std::string chosen(const JobSpec& spec) const {
    const Decision decision = decide(spec);
    return decision.chosen ? decision.chosen->site.value : "nowhere";
  }

 private:
  void add(const std::string& name) {
    const auto file = load_site_file(
        std::string(TRADEWIND_SAMPLE_SITES) + "/" + name,
        [](const std::string&) -> std::optional<std::string> { return "/srv/tradewind"; });
    ASSERT_TRUE(file) << describe(file.error());
    const SiteRecord& site = file->record;
    SiteStanding standing;
    for (const Pool& each : site.pools) {
      const std::uint32_t on_a_node = units_per_node(each);
      standing.pools.push_back({each.id, on_a_node * each.nodes, on_a_node, each.nodes, 0, {}});
    }
    const auto header = [&](RecordKind kind) {
      return RecordHeader{
          kind, site_node(site.site),        MemberNumber{++number_}, RecordVersion{1, 1},
          now,  now + limits::quote_validity};
    };
    Member member;
    member.node = site_node(site.site);
    view_.accept(Record{header(RecordKind::member), member});
    view_.accept(Record{header(RecordKind::site), site});
    view_.accept(Record{header(RecordKind::quote), make_quote_sheet(site, standing)});
  }

  MarketView view_;
  std::uint32_t number_ = 0;
};

const std::vector<std::string> usual = {"eu-zurich-1.toml", "us-iowa-1.toml", "jp-osaka-1.toml"};
const std::vector<std::string> slow_arm = {"eu-zurich-1.toml", "us-iowa-1.toml",
                                           "variants/jp-osaka-1-slow.toml"};

Variant variant(const std::string& name, Architecture architecture, std::uint64_t work_seconds) {
  Variant made;
  made.name = name;
  made.architectures = {architecture};
  made.work_seconds = work_seconds;
  made.executors.push_back(Executor{"", {"true"}, "", "", "", "", {}, false});
  return made;
}

// A job of one amd64 variant over an input that lies at the dear site.
JobSpec over_data(std::uint64_t bytes, std::uint64_t work_seconds) {
  JobSpec spec;
  spec.resources = Resources{1, 512, 1'024, 0};
  spec.variants = {variant("amd64", Architecture::amd64, work_seconds)};
  Input input;
  input.path = "/data/in";
  input.size_bytes = bytes;
  // On the site's own disk, and served by it to the others.
  input.replicas = {Replica{"file:///srv/tradewind/in", "eu-zurich-1", ""},
                    Replica{"http://127.0.0.1:8000/in", "eu-zurich-1", ""}};
  spec.inputs = {input};
  spec.home_region = "eu-zurich";
  spec.run_seconds_max = 3'600;
  return spec;
}

JobSpec of_two_architectures(std::uint64_t work_seconds) {
  JobSpec spec;
  spec.resources = Resources{1, 512, 1'024, 0};
  spec.variants = {variant("amd64", Architecture::amd64, work_seconds),
                   variant("arm64", Architecture::arm64, work_seconds)};
  spec.home_region = "eu-zurich";
  spec.run_seconds_max = 3'600;
  return spec;
}

TEST(SampleSites, WorkStaysWithLargeDataAndMovesToTheCheapSiteWithoutIt) {
  const SampleMarket market(usual);
  constexpr std::uint64_t mebibyte = 1 << 20;
  for (const std::uint64_t seconds : {5u, 20u, 60u}) {
    EXPECT_EQ(market.chosen(over_data(64 * mebibyte, seconds)), "eu-zurich-1") << seconds;
    EXPECT_EQ(market.chosen(over_data(1'024, seconds)), "us-iowa-1") << seconds;
  }
}

TEST(SampleSites, TheWayOfTheDataIsDecidedWithAMarginOfTwo) {
  const SampleMarket market(usual);
  const Decision decision = market.decide(over_data(64 << 20, 60));
  ASSERT_TRUE(decision.chosen);
  ASSERT_FALSE(decision.runners_up.empty());
  EXPECT_GT(decision.runners_up[0].cost.total.micros, 2 * decision.chosen->cost.total.micros);
  const Decision tiny = market.decide(over_data(1'024, 60));
  ASSERT_TRUE(tiny.chosen);
  ASSERT_FALSE(tiny.runners_up.empty());
  EXPECT_GT(tiny.runners_up[0].cost.total.micros, 2 * tiny.chosen->cost.total.micros);
}

TEST(SampleSites, WorkThatCanChooseGoesToArmWhileArmIsCheaperPerUnitOfWork) {
  for (const std::uint64_t seconds : {10u, 60u, 600u}) {
    EXPECT_EQ(SampleMarket(usual).chosen(of_two_architectures(seconds)), "jp-osaka-1") << seconds;
    EXPECT_EQ(SampleMarket(slow_arm).chosen(of_two_architectures(seconds)), "us-iowa-1") << seconds;
  }
}

TEST(SampleQueues, AreSiteFilesThatAQueueCanBeAskedBy) {
  for (const char* name : {"gridengine", "pbs", "lsf", "htcondor"}) {
    const auto file =
        load_site_file(std::string(TRADEWIND_SAMPLE_SITES) + "/queues/" + name + ".toml");
    ASSERT_TRUE(file) << describe(file.error());
    ASSERT_TRUE(file->engine.batch) << name;
    EXPECT_FALSE(file->engine.batch->commands.status.states.empty()) << name;
    EXPECT_EQ(file->record.state, SiteState::draining) << name;
  }
}

}  // namespace
}  // namespace tradewind

// Who goes when a site of a full market frees capacity: the lifecycle over the market router, with
// many jobs that wait. From a fixed seed. Prints JSON lines.
//
//   bench_waiting [--quick]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/core/market_router.h"
#include "broker/jobs/lifecycle.h"
#include "tests/bench/figure.h"
#include "tests/bench/market.h"

namespace {

using namespace tradewind;
using bench::Clock;
using bench::fail;
using bench::Figure;
using bench::kRounds;
using bench::microseconds;
using bench::resident_bytes;

constexpr std::uint32_t kSites = 1'000;
constexpr std::uint32_t kPools = 8;
constexpr std::uint32_t kTenants = 50;
constexpr std::uint32_t kEvents = 20;  // of one kind, in each round, each at another site
constexpr std::uint32_t kUnitsNode = 16;

// What jobs of one shape ask: another demand, length, data, budget or constraint each.
JobSpec shape(std::mt19937_64& random) {
  const auto below = [&random](std::uint64_t count) { return random() % count; };
  const auto region = [&] {
    return std::string(1, static_cast<char>('a' + below(20))) + "a-region";
  };
  JobSpec spec;
  spec.name = "waits";
  spec.home_region = region();
  spec.resources.cpus = static_cast<std::uint32_t>(1 + below(48));
  spec.resources.memory_mib = 1'024 * (1 + below(128));
  spec.priority = static_cast<std::int32_t>(below(4) == 0 ? below(3) : 0);
  Variant variant;
  variant.architectures = {below(3) == 0 ? Architecture::arm64 : Architecture::amd64};
  variant.work_seconds = 60 + below(100'000);
  Executor executor;
  executor.command = {"./run", "--steps", std::to_string(below(1'000))};
  variant.executors = {executor};
  spec.variants = {variant};
  if (below(4) == 0) {
    spec.resources.accelerators = static_cast<std::uint32_t>(1 + below(8));
    spec.variants[0].accelerator.family = "cuda";
    if (below(2) == 0) spec.variants[0].accelerator.memory_gib_min = 40;
  }
  if (below(3) == 0) {
    Input& input = spec.inputs.emplace_back();
    input.path = "/data/in";
    input.size_bytes = below(50'000'000'000);
    input.replicas = {Replica{"https://data.example/a", "", region()}};
  }
  if (below(4) == 0) {
    // One of 1,140 lists.
    std::string letters = "ABCDEFGHIJKLMNOPQRST";
    for (int count = 0; count < 3; ++count) {
      const std::size_t at = below(letters.size());
      spec.constraints.jurisdictions_allowed.push_back(std::string(1, letters[at]) + "A");
      letters.erase(at, 1);
    }
    std::ranges::sort(spec.constraints.jurisdictions_allowed);
  }
  if (below(6) == 0)
    spec.constraints.carbon_g_kwh_max = static_cast<std::uint32_t>(100 * (1 + below(4)));
  if (below(4) == 0)
    spec.constraints.cost_max = Money{static_cast<std::int64_t>(10'000 * (1 + below(1'000)))};
  if (below(8) == 0) spec.constraints.deadline = bench::now + std::chrono::hours(1 + below(48));
  if (below(5) == 0) spec.constraints.preemptible_allowed = true;
  return spec;
}

class World {
 public:
  World(std::uint32_t jobs, std::uint32_t shapes)
      : sites_(bench::synthetic_sites(kSites, kPools)),
        router_(RouteOptions{}),
        lifecycle_(options(), router_) {
    router_.expire(now_);
    router_.pass(now_.wall);
    for (const SiteRecord& each : sites_.records) router_.accept(bench::record_of(each, 1));
    for (QuoteSheet& each : sites_.sheets) {
      free(each, 0, 0);
      router_.accept(bench::record_of(each, 1));
    }
    lifecycle_.begin(Term{1}, {}, now_);
    lifecycle_.take(now_);

    std::mt19937_64 random(20'261'126);
    std::vector<JobSpec> specs;
    for (std::uint32_t count = 0; count < shapes; ++count) specs.push_back(shape(random));
    const std::uint64_t before = resident_bytes();
    for (std::uint32_t number = 0; number < jobs; ++number) {
      JobSubmitted submission;
      submission.job = job_id(Sequence{number + 1ULL});
      submission.tenant = TenantId{"tenant-" + std::to_string(number % shapes % kTenants)};
      submission.spec = specs[number % shapes];
      lifecycle_.submit(std::move(submission), now_);
      if (number % 1'000 == 999) lifecycle_.take(now_);
    }
    const auto start = Clock::now();
    const std::uint64_t tried = lifecycle_.counters().tried;
    while (lifecycle_.next_tick() <= now_.mono) lifecycle_.take(now_);
    rest_ = microseconds(Clock::now() - start) /
            static_cast<double>(std::max<std::uint64_t>(1, lifecycle_.counters().tried - tried));
    bytes_ = static_cast<double>(resident_bytes() - before) / static_cast<double>(jobs);
    // A few ask for what no site of their jurisdictions has, and have ended.
    const std::uint64_t ended = lifecycle_.counters().jobs_unroutable;
    if (lifecycle_.waiting() + ended != jobs || ended > jobs / 100) fail("the market is not full");
  }

  double bytes_per_job() const { return bytes_; }
  double first_try() const { return rest_; }
  std::size_t waiting() const { return lifecycle_.waiting(); }

  struct Event {
    double time = 0;
    double tried = 0;
    double checked = 0;
    double placed = 0;
  };
  // The next site's sheet has so much free in its first `pools` pools.
  Event sheet(std::uint32_t pools, std::uint32_t units, std::uint32_t nodes) {
    QuoteSheet& sheet = sites_.sheets[site_++];
    for (std::uint32_t number = 0; number < pools; ++number)
      free(sheet.pools[number], units, nodes);
    const Record record = bench::record_of(sheet, ++version_);
    const LifecycleCounters before = lifecycle_.counters();
    const auto start = Clock::now();
    router_.expire(now_);
    router_.pass(now_.wall);
    router_.accept(record);
    LifecycleOutput output = lifecycle_.take(now_);
    Event event;
    event.time = microseconds(Clock::now() - start);
    const LifecycleCounters& after = lifecycle_.counters();
    event.tried = static_cast<double>(after.tried - before.tried);
    event.checked = static_cast<double>(after.checked - before.checked);
    event.placed = static_cast<double>(after.decided - before.decided);
    lifecycle_.sent(now_);
    for (const SendToSite& each : output.sends) {
      if (const auto* dispatch = std::get_if<Dispatch>(&each.message.body)) {
        lifecycle_.from_site(each.site, ToBroker{Granted{dispatch->attempt}}, now_);
      }
    }
    lifecycle_.take(now_);
    return event;
  }

 private:
  static LifecycleOptions options() {
    LifecycleOptions options;
    options.settling = {};
    return options;
  }
  static void free(PoolQuote& quote, std::uint32_t units, std::uint32_t nodes) {
    quote.units_free = units;
    quote.units_free_node = std::min(units, kUnitsNode);
    quote.nodes_free = nodes;
  }
  static void free(QuoteSheet& sheet, std::uint32_t units, std::uint32_t nodes) {
    for (PoolQuote& each : sheet.pools) free(each, units, nodes);
  }

  Now now_{Mono::time_point(std::chrono::hours(1)), bench::now};
  bench::Sites sites_;
  MarketRouter router_;
  Lifecycle lifecycle_;
  std::size_t site_ = 0;
  std::uint64_t version_ = 1;
  double bytes_ = 0;
  double rest_ = 0;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void events(World& world, const std::string& what, std::uint32_t pools, std::uint32_t units,
            std::uint32_t nodes, std::optional<double> goal) {
  Figure typical;
  Figure slowest;
  Figure tried;
  Figure checked;
  Figure placed;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<World::Event> seen;
    for (std::uint32_t count = 0; count < kEvents; ++count) {
      seen.push_back(world.sheet(pools, units, nodes));
    }
    const auto all = [&seen](double World::Event::* field) {
      std::vector<double> values;
      for (const World::Event& each : seen) values.push_back(each.*field);
      return values;
    };
    typical.add(median(all(&World::Event::time)) / 1'000);
    slowest.add(std::ranges::max(all(&World::Event::time)) / 1'000);
    tried.add(median(all(&World::Event::tried)));
    checked.add(median(all(&World::Event::checked)));
    placed.add(median(all(&World::Event::placed)));
  }
  typical.print(what + ", to the decisions, median", "ms", goal);
  slowest.print(what + ", the slowest of " + std::to_string(kEvents), "ms");
  placed.print(what + ", jobs that go", "jobs");
  checked.print(what + ", jobs held against one place", "calls");
  tried.print(what + ", whole decisions", "calls");
}

void constant(const std::string& metric, const char* unit, double value) {
  Figure figure;
  for (int round = 0; round < kRounds; ++round) figure.add(value);
  figure.print(metric, unit);
}

void run(std::uint32_t jobs, std::uint32_t shapes, bool with_goal) {
  World world(jobs, shapes);
  const std::string where = std::to_string(jobs) + " jobs of " + std::to_string(shapes) +
                            " shapes and " + std::to_string(kTenants) + " tenants wait";
  constant(where + ", memory a job", "bytes", world.bytes_per_job());
  constant(where + ", a whole decision that places nobody, mean", "us", world.first_try());
  const auto goal = with_goal ? std::optional(1.0) : std::nullopt;
  events(world, where + "; a node in one pool frees", 1, kUnitsNode, 1, goal);
  events(world, where + "; a node in each of 8 pools frees", kPools, kUnitsNode, 1, goal);
  events(world, where + "; one unit in each of 8 pools frees", kPools, 1, 0, goal);
}

}  // namespace

int main(int argc, char** argv) {
  bool quick = false;
  for (int index = 1; index < argc; ++index) {
    if (std::string_view(argv[index]) != "--quick") {
      std::fprintf(stderr, "usage: %s [--quick]\n", argv[0]);
      return 2;
    }
    quick = true;
  }
  if (quick) {
    run(10'000, 5'000, false);
  } else {
    run(100'000, 5'000, true);
    run(100'000, 100'000, false);
  }
  return 0;
}

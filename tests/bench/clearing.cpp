// Clearings of 10,000 waiting jobs in a market of 1,000 sites of 8 pools: the time, and what the
// assignment comes to beside the greedy one and the lower bound. With a FOLDER that real_market.py
// has filled, sites and jobs are those of public data, otherwise made from a fixed seed. Prints
// JSON lines.
//
//   bench_clearing [FOLDER]
#include "broker/routing/clearing.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/routing/chooser.h"
#include "tests/bench/market.h"

namespace {

using namespace tradewind;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kSites = 1'000;
constexpr std::uint32_t kPools = 8;
constexpr std::size_t kJobs = 10'000;
constexpr std::uint32_t kFewerSites = 100;
constexpr std::size_t kFewerJobs = 1'000;
constexpr int kRounds = 5;
const TenantId kTenant{"bench"};
const std::vector<SiteId> kNone;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::exit(1);
}

void print(const std::string& metric, const char* unit, std::array<double, kRounds> values,
           std::optional<double> goal = {}) {
  std::ranges::sort(values);
  const double value = values[kRounds / 2];
  std::printf("{\"metric\": \"%s\", \"value\": %.4f, \"unit\": \"%s\", \"spread\": [%.4f, %.4f], ",
              metric.c_str(), value, unit, values.front(), values.back());
  if (goal) {
    std::printf("\"goal\": \"<= %g\", \"holds\": %s}\n", *goal,
                values.back() <= *goal ? "true" : "false");
  } else {
    std::printf("\"goal\": null, \"holds\": null}\n");
  }
  std::fflush(stdout);
}

// What is free, divided.
bench::Sites scarce(bench::Sites sites, std::uint32_t by) {
  for (QuoteSheet& sheet : sites.sheets) {
    for (PoolQuote& each : sheet.pools) {
      const std::uint32_t units_node = each.nodes_free > 0 ? each.units_free_node : 0;
      each.nodes_free /= by;
      each.units_free /= by;
      each.units_free_node = std::min(each.units_free_node, each.units_free);
      each.units_free = std::max(each.units_free, each.nodes_free * units_node);
    }
  }
  return sites;
}

double percent(ClearingValue::Wide part, ClearingValue::Wide whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

using Values = std::array<double, kRounds>;

double percent_above(ClearingValue::Wide part, ClearingValue::Wide whole) {
  return percent(part - whole, whole);
}

const ClearingValue& taken(const Cleared& cleared) {
  return cleared.by_flow ? *cleared.flow : cleared.greedy;
}

class Contest {
 public:
  Contest(const bench::Sites& sites, const std::vector<JobSpec>& specs, std::size_t count)
      : view_(bench::view_of(sites)), chooser_(view_, RouteOptions{}), specs_(specs) {
    for (std::size_t job = 0; job < count; ++job) keys_.push_back("j" + std::to_string(job));
  }

  // Of the jobs of a round, and how many milliseconds it took.
  std::pair<Cleared, double> clear(std::size_t round, const ClearingOptions& options = {}) {
    std::vector<RouteRequest> jobs;
    for (std::size_t job = 0; job < keys_.size(); ++job) {
      const JobSpec& spec = specs_[(job + round * keys_.size() / 4) % specs_.size()];
      jobs.push_back(RouteRequest{spec, kTenant, keys_[job], kNone});
    }
    const auto start = Clock::now();
    Cleared cleared = tradewind::clear(chooser_, jobs, bench::now, options);
    const auto time = Clock::now() - start;
    if (cleared.placements.size() != taken(cleared).jobs_placed) fail("placements are missing");
    return {std::move(cleared), std::chrono::duration<double, std::milli>(time).count()};
  }

 private:
  const MarketView view_;
  Chooser chooser_;
  const std::vector<JobSpec>& specs_;
  std::vector<std::string> keys_;
};

using Values = std::array<double, kRounds>;

void measure(const std::string& name, const bench::Sites& sites, const std::vector<JobSpec>& jobs) {
  Contest contest(sites, jobs, kJobs);
  Values times{};
  Values greedy{};
  Values placed{};
  Values cost{};
  Values total{};
  contest.clear(0);  // fills what the chooser remembers
  for (std::size_t round = 0; round < kRounds; ++round) {
    const auto [cleared, time] = contest.clear(round);
    times[round] = time;
    greedy[round] = cleared.greedy.jobs_placed;
    placed[round] = taken(cleared).jobs_placed;
    cost[round] = percent(taken(cleared).placed, cleared.greedy.placed);
    total[round] = percent(taken(cleared).total(), cleared.greedy.total());
  }
  print("clearing, " + name, "ms", times, 200);
  print("jobs placed one by one, " + name, "jobs", greedy);
  print("jobs placed together, " + name, "jobs", placed);
  print("their cost to that one by one, " + name, "%", cost);
  print("objective to that one by one, " + name, "%", total, 100);
}

// So few jobs and sites that every adequate pool can be looked at: then the flow's bound is the
// value of the linear program.
void measure_gap(const std::string& name, const bench::Sites& sites,
                 const std::vector<JobSpec>& jobs) {
  Contest contest(sites, jobs, kFewerJobs);
  ClearingOptions all;
  all.ways_min = all.ways_max = all.kinds_max = all.arcs_max = all.nodes_max = 10'000'000;
  Values one_by_one{};
  Values usual{};
  Values every{};
  for (std::size_t round = 0; round < kRounds; ++round) {
    const Cleared whole = contest.clear(round, all).first;
    const Cleared cleared = contest.clear(round).first;
    one_by_one[round] = percent_above(whole.greedy.total(), whole.bound);
    usual[round] = percent_above(taken(cleared).total(), whole.bound);
    every[round] = percent_above(taken(whole).total(), whole.bound);
  }
  print("objective above the LP's, one by one, " + name, "%", one_by_one);
  print("objective above the LP's, together, " + name, "%", usual);
  print("objective above the LP's, together with every pool looked at, " + name, "%", every);
}

void compare(const std::string& free, const std::string& data, std::uint32_t divided,
             const bench::Sites& sites, const std::vector<JobSpec>& jobs) {
  measure("10,000 jobs, 1,000 sites of 8 pools, " + free + data, scarce(sites, divided), jobs);
  bench::Sites fewer = sites;
  fewer.records.resize(kFewerSites);
  fewer.sheets.resize(kFewerSites);
  measure_gap("1,000 jobs, 100 sites of 8 pools, " + free + data, scarce(fewer, divided), jobs);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 || (argc == 2 && std::string_view(argv[1]).starts_with("-"))) {
    std::fprintf(stderr, "usage: %s [FOLDER]\n", argv[0]);
    return 2;
  }
  const std::string folder = argc == 2 ? argv[1] : "";
  const bool real = !folder.empty();
  const bench::Sites sites =
      real ? bench::real_sites(folder, kSites) : bench::synthetic_sites(kSites, kPools);
  const std::vector<JobSpec> jobs = real ? bench::real_jobs(folder) : bench::synthetic_jobs();
  if (sites.records.size() != kSites || jobs.empty()) {
    fail("the folder does not hold sites.txt and jobs.txt");
  }
  const std::string data = real ? ", real prices and jobs" : ", made-up prices and jobs";
  compare("a tenth free", data, 10, sites, jobs);
  compare("a hundredth free", data, 100, sites, jobs);
  return 0;
}

// What a day of jobs costs at real prices: routed by the broker, kept at home, sent to the cheapest
// compute, and at the least that any plan could reach (bound.h). FOLDER is what day.py has filled;
// its page says what the sites and jobs are. Prints JSON lines.
//
//   bench_prices NAME FOLDER DAYS COUNTED ROUNDS any|sized all|routed
//
// NAME stands before each metric. The day's jobs come again for DAYS days, from empty sites on, and
// those of the last COUNTED days count: by then the load has become steady. One day drawn alone
// says little, since a few long jobs cost much and lie now here, now there; the spread of the cost
// is that of the counted days. More than a day before those, only jobs of at least four hours of
// work are played; the others would be over.
//
// `any`: a job runs on any node that holds it. `sized`, where machines are sold whole: it names its
// size of node as well, by a label, so that a job of 4 devices never takes a node of 8; where none
// of that size could run it, it does not. `routed` leaves out the other policies.
//
// An event loop stands in for lifecycle and gateways: a job comes, the policy's MarketRouter with
// the broker's default options decides over its market view, the nodes are taken from the pool's
// NodeBook for as long as the run is expected to take, and the site's new sheet reaches the view
// before anything else happens. So sheets come without a lag (what a lag does is bench_herd's
// matter) and staging takes no capacity. Prices are the list prices whatever the load, as the lists
// mean them; a price by congestion would be what is paid, and no list tells it. A job that finds no
// room waits; when room comes, the longest waiting goes first.
//
// Every policy meets the same jobs and sites, and may choose whatever is free:
//   routed            the job as it is
//   kept at home      only sites of the job's home region are allowed
//   cheapest compute  the job without its data decides; what its data costs is paid nevertheless
// For each job that starts at once when routed, it is also asked what the other two would have
// chosen at that moment, with the same units free.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/bound.h"
#include "tests/bench/figure.h"
#include "tests/bench/price_day.h"
#include "tests/bench/price_replay.h"

namespace tradewind::bench {
namespace {

// Of the work of jobs on devices, the share that is not there yet when jobs have come for `days`
// days only, though it would be if they always had.
double missing(const Day& day, std::int64_t days) {
  double all = 0;
  double there = 0;
  for (std::size_t number = 0; number < day.jobs.size(); ++number) {
    const JobSpec& spec = day.specs[number];
    const double devices = static_cast<double>(spec.resources.accelerators) * spec.nodes;
    const std::int64_t work = day.jobs[number].work;
    all += devices * static_cast<double>(work);
    there += devices * static_cast<double>(std::min(work, days * kDay));
  }
  return 1 - there / all;
}

// By day, in USD.
std::vector<double> costs(const Day& day, const std::vector<Run>& runs) {
  std::vector<double> sums(runs.size() / day.jobs.size());
  for (std::size_t index = 0; index < runs.size(); ++index) {
    sums[index / day.jobs.size()] += static_cast<double>(runs[index].cost) / 1e6;
  }
  return sums;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double over(double cost, double least) {
  return 100 * (cost / least - 1);
}

double least_of(const Day& day, const std::vector<Run>& routed, int rounds) {
  std::vector<PlanPool> pools;
  for (const Pool* pool : day.pools) {
    PlanPool& plan = pools.emplace_back();
    plan.units = static_cast<double>(pool->nodes) * units_per_node(*pool);
    const bool device = pool->unit.accelerators > 0;
    plan.speed = device ? static_cast<double>(pool->performance_ppm.at("train")) / 1e6 *
                              pool->unit.accelerators
                        : 0;
    plan.rate = static_cast<double>(unit_price(*pool).micros) / 1e6 / 3'600;
  }
  std::vector<std::vector<PlanWay>> ways;
  for (const Shape& shape : day.shapes) {
    auto& list = ways.emplace_back();
    for (std::uint32_t pool = 0; pool < shape.uses.size(); ++pool) {
      const Use& use = shape.uses[pool];
      if (use.units == 0) continue;
      list.push_back({pool, static_cast<double>(use.units) * shape.nodes,
                      static_cast<double>(use.rate) / 1e6 / 3'600,
                      static_cast<double>(use.speed) / 1e6});
    }
    std::ranges::sort(list, {}, [](const PlanWay& way) { return way.rate / way.work_per_second; });
  }
  std::vector<std::vector<double>> data;
  for (const auto& prices : day.data_prices) {
    auto& list = data.emplace_back();
    for (const DataPrice& each : prices) {
      list.push_back((static_cast<double>(each.in) + 0.1 * static_cast<double>(each.out)) / 1e15);
    }
  }
  std::vector<PlanJob> jobs;
  for (std::size_t number = 0; number < day.jobs.size(); ++number) {
    const TraceJob& job = day.jobs[number];
    std::int64_t wait = 0;  // the longest that the router has let it wait
    for (std::size_t run = number; run < routed.size(); run += day.jobs.size()) {
      wait = std::max(wait, routed[run].wait);
    }
    jobs.push_back({&ways[job.shape], static_cast<double>(job.work),
                    static_cast<double>(job.arrival), static_cast<double>(job.arrival + wait),
                    &data[job.home], static_cast<double>(job.bytes_in)});
  }
  return least_cost(jobs, pools, kDay, 48, kIncrement, rounds);
}

std::string name_before;

struct Extra {
  std::optional<std::vector<double>> spread;  // of these values, from the least to the greatest
  std::optional<double> goal;                 // at most
};

void print(const std::string& metric, double value, const char* unit, const Extra& extra = {}) {
  std::printf("{\"metric\": \"%s: %s\", \"value\": %.4f, \"unit\": \"%s\", ", name_before.c_str(),
              metric.c_str(), value, unit);
  if (extra.spread) {
    const auto [least, most] = std::ranges::minmax(*extra.spread);
    std::printf("\"spread\": [%.4f, %.4f], ", least, most);
  } else {
    std::printf("\"spread\": null, ");
  }
  if (extra.goal) {
    std::printf("\"goal\": \"<= %g\", \"holds\": %s}\n", *extra.goal,
                value <= *extra.goal ? "true" : "false");
  } else {
    std::printf("\"goal\": null, \"holds\": null}\n");
  }
  std::fflush(stdout);
}

double share(std::uint64_t part, std::uint64_t all) {
  return 100 * static_cast<double>(part) / static_cast<double>(all);
}

void print_policy(const Day& day, const std::string& name, const std::vector<Run>& runs) {
  double at_once = 0;
  double hours = 0;
  double most = 0;
  for (const Run& run : runs) {
    const double wait = static_cast<double>(run.wait) / 3'600;
    at_once += wait == 0 ? 1 : 0;
    hours += wait;
    most = std::max(most, wait);
  }
  const auto jobs = static_cast<double>(runs.size());
  const std::vector<double> by_day = costs(day, runs);
  print(name + ", cost", mean(by_day), "USD a day", {by_day, {}});
  print(name + ", started at once", 100 * at_once / jobs, "%");
  print(name + ", mean wait", hours / jobs, "h");
  print(name + ", longest wait", most, "h");
}

}  // namespace
}  // namespace tradewind::bench

int main(int count, char** arguments) {
  using namespace tradewind::bench;
  const std::vector<std::string> given(arguments + 1, arguments + count);
  if (given.size() != 7) {
    fail("usage: bench_prices NAME FOLDER DAYS COUNTED ROUNDS any|sized all|routed");
  }
  name_before = given[0];
  const Day day(given[1], given[5] == "sized");
  const int days = std::atoi(given[2].c_str());
  const int counted = std::atoi(given[3].c_str());
  if (counted < 1 || days <= counted) fail("at least one day that counts, and one before");
  const auto play = [&](Policy policy) {
    auto replay = std::make_unique<Replay>(day, policy, static_cast<std::uint32_t>(days),
                                           static_cast<std::uint32_t>(counted));
    replay->run();
    return replay;
  };
  const std::unique_ptr<Replay> routed = play(Policy::routed);
  const std::vector<Run> runs = routed->runs();
  const std::vector<double> by_day = costs(day, runs);
  const double cost = mean(by_day);
  print("sites", static_cast<double>(day.sites.size()), "sites");
  print("jobs a day", static_cast<double>(day.jobs.size()), "jobs");
  print("load", 100 * routed->load(), "%");
  const double absent = missing(day, days - counted);
  print("work of long jobs from before the first day, which is missing", 100 * absent, "%");
  print_policy(day, "routed", runs);
  if (given[6] == "all") {
    for (const auto& [policy, name] : {std::pair(Policy::home, "kept at home"),
                                       std::pair(Policy::compute, "cheapest compute")}) {
      const std::vector<Run> others = play(policy)->runs();
      print_policy(day, name, others);
      print(std::string("routed saves against ") + name,
            100 * (1 - cost / mean(costs(day, others))), "%");
    }
  }
  const auto away = static_cast<std::uint64_t>(std::ranges::count_if(runs, &Run::away));
  print("routed, run away from home", share(away, runs.size()), "%");
  const Compared& compared = routed->compared();
  print("started at once, home had room too", share(compared.home_had_room, compared.decisions),
        "%");
  print("of these dearer than at home then", static_cast<double>(compared.dearer_than_home), "jobs",
        {{}, 0});
  print("started at once and dearer than cheapest compute then",
        static_cast<double>(compared.dearer_than_compute), "jobs", {{}, 0});
  const double least = least_of(day, runs, std::atoi(given[4].c_str()));
  print("least that any plan costs", least, "USD a day");
  // The bound is of the average over many days: a day on which the sites still fill says nothing.
  const bool steady = absent < 0.01;
  Extra extra{std::vector<double>(), {}};
  for (const double each : by_day) extra.spread->push_back(over(each, least));
  print(steady ? "routed is above it by" : "routed is above it by (not steady yet, says little)",
        over(cost, least), "%", extra);
  return 0;
}

// Decisions of Chooser and of the plain scan, and quote sheets applied to the market view. With a
// FOLDER that real_market.py has filled, sites and jobs are those of public data, otherwise made
// from a fixed seed. Prints JSON lines.
//
//   bench_routing [--quick] [FOLDER]
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/routing/chooser.h"
#include "broker/routing/route.h"
#include "tests/bench/figure.h"
#include "tests/bench/market.h"

namespace {

using namespace tradewind;
using bench::Figure;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kPools = 8;
constexpr int kRounds = bench::rounds;
const TenantId kTenant{"bench"};
const std::vector<SiteId> kNone;

double microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::exit(1);
}

struct Workload {
  bool real = false;
  bench::Sites sites;
  std::vector<JobSpec> jobs;
};

Workload workload(const std::string& folder, std::uint32_t sites) {
  Workload result;
  if (!folder.empty()) {
    result.sites = bench::real_sites(folder, sites);
    result.jobs = bench::real_jobs(folder);
    result.real = result.sites.records.size() == sites && !result.jobs.empty();
    if (!result.real) fail("the folder does not hold sites.txt and jobs.txt");
    return result;
  }
  result.sites = bench::synthetic_sites(sites, kPools);
  result.jobs = bench::synthetic_jobs();
  return result;
}

std::string key_of(std::size_t index) {
  return "j" + std::to_string(index);
}

// Whether both say the same of the same job.
bool agree(const Decision& scanned, const Decision& chosen) {
  return scanned.outcome == chosen.outcome && scanned.chosen == chosen.chosen &&
         scanned.relied_on == chosen.relied_on;
}

struct Times {
  Figure median;
  Figure p99;
};

// Each decision by itself, the clock's own time not taken off.
Times measure(Chooser& chooser, const std::vector<JobSpec>& jobs,
              const std::function<void()>& between) {
  Times result;
  std::vector<double> times;
  for (int round = 0; round <= kRounds; ++round) {
    times.clear();
    for (std::size_t index = 0; index < jobs.size(); ++index) {
      if (between) between();
      const std::string key = key_of(index);
      const RouteRequest request{jobs[index], kTenant, key, kNone};
      const auto start = Clock::now();
      const Decision decision = chooser.choose(request, bench::now);
      times.push_back(microseconds(Clock::now() - start));
      if (!decision.chosen && decision.rejections.empty()) fail("a decision without reasons");
    }
    if (round == 0) continue;  // fills what the chooser remembers
    std::ranges::sort(times);
    result.median.add(times[times.size() / 2]);
    result.p99.add(times[times.size() * 99 / 100]);
  }
  return result;
}

void decisions(const std::string& folder, std::uint32_t sites, bool quick) {
  const Workload work = workload(folder, sites);
  MarketView view = bench::view_of(work.sites);
  const RouteOptions options;
  Chooser chooser(view, options);
  const std::string where =
      std::to_string(sites) + " sites of " + std::to_string(kPools) + " pools";
  const std::string jobs = work.real ? ", real prices and jobs" : ", made-up prices and jobs";

  // The plain scan of some of the jobs, and that both agree on them.
  const std::size_t step =
      std::max<std::size_t>(1, work.jobs.size() * sites / (quick ? 100'000 : 2'000'000));
  Figure scan;
  std::size_t placed = 0;
  std::size_t count = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> times;
    for (std::size_t index = static_cast<std::size_t>(round) % step; index < work.jobs.size();
         index += step * kRounds) {
      const std::string key = key_of(index);
      const RouteRequest request{work.jobs[index], kTenant, key, kNone};
      const auto start = Clock::now();
      const Decision scanned = route(request, view, options, bench::now);
      times.push_back(microseconds(Clock::now() - start));
      placed += scanned.chosen ? 1 : 0;
      ++count;
      if (!agree(scanned, chooser.choose(request, bench::now))) fail("the chooser chose otherwise");
    }
    std::ranges::sort(times);
    scan.add(times[times.size() / 2]);
  }
  if (placed == 0) fail("no job was placed: the market is not what this measures");
  Figure share;
  for (int round = 0; round < kRounds; ++round) {
    share.add(100.0 * static_cast<double>(placed) / static_cast<double>(count));
  }
  share.print("jobs placed, " + where + jobs, "%");
  scan.print("plain scan, median, " + where, "us");

  Times still = measure(chooser, work.jobs, {});
  const bool thousand = sites == 1'000;
  const auto goal = [&](double at_thousand, std::optional<double> at_ten_thousand) {
    if (sites == 10'000) return at_ten_thousand;
    return thousand ? std::optional(at_thousand) : std::nullopt;
  };
  still.median.print("decision, median, " + where, "us", goal(1.5, 4.0));
  still.p99.print("decision, p99, " + where, "us", goal(15, std::nullopt));
  Figure ratio;
  for (int round = 0; round < kRounds; ++round) ratio.add(scan.median() / still.median.median());
  ratio.print("plain scan to decision, " + where, "times");

  std::vector<JobSpec> bare = work.jobs;
  for (JobSpec& each : bare) {
    each.inputs.clear();
    each.outputs.clear();
  }
  Times without_data = measure(chooser, bare, {});
  without_data.median.print("decision, median, the same jobs without data, " + where, "us",
                            goal(1.5, 4.0));
  without_data.p99.print("decision, p99, the same jobs without data, " + where, "us",
                         goal(15, std::nullopt));

  std::uint64_t version = 1;
  std::size_t at = 0;
  Times moving = measure(chooser, work.jobs, [&] {
    ++version;
    view.accept(bench::record_of(bench::moved(work.sites.sheets[at], version), version));
    at = (at + 1) % work.sites.sheets.size();
  });
  moving.median.print("decision after a quote sheet, median, " + where, "us");
  moving.p99.print("decision after a quote sheet, p99, " + where, "us");
}

// Every pool's price and free units differ from the sheet before.
void sheets(std::uint32_t sites, std::uint32_t pools) {
  const bench::Sites made = bench::synthetic_sites(sites, pools);
  MarketView view = bench::view_of(made);
  Figure figure;
  std::uint64_t version = 1;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<Record> records;
    for (int turn = 0; turn < 5; ++turn) {
      ++version;
      for (const QuoteSheet& each : made.sheets) {
        records.push_back(bench::record_of(bench::moved(each, version), version));
      }
    }
    const auto start = Clock::now();
    for (const Record& each : records) view.accept(each);
    figure.add(microseconds(Clock::now() - start) / static_cast<double>(records.size()));
  }
  figure.print("quote sheet of " + std::to_string(pools) + " pools applied, mean, " +
                   std::to_string(sites) + " sites",
               "us", sites == 1'000 ? std::optional(2.0) : std::nullopt);
}

}  // namespace

int main(int argc, char** argv) {
  bool quick = false;
  std::string folder;
  for (int index = 1; index < argc; ++index) {
    const std::string_view argument = argv[index];
    if (argument == "--quick") {
      quick = true;
    } else if (folder.empty() && !argument.starts_with("-")) {
      folder = argument;
    } else {
      std::fprintf(stderr, "usage: %s [--quick] [FOLDER]\n", argv[0]);
      return 2;
    }
  }
  for (const std::uint32_t sites : {100U, 1'000U, 10'000U}) decisions(folder, sites, quick);
  for (const std::uint32_t sites : {1'000U, 10'000U}) sheets(sites, 10);
  return 0;
}

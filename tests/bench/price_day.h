// A day of jobs at real prices: the sites and jobs that day.py has put into a folder, and what each
// job would cost where.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broker/routing/survey.h"
#include "tests/bench/market.h"

namespace tradewind::bench {

inline constexpr std::int64_t kDay = 24 * 3'600;
inline constexpr std::int64_t kIncrement = 60;  // seconds, as the tariffs of real_sites bill
inline const TenantId kTenant{"bench"};
inline const std::vector<SiteId> kNone;

inline std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// One pool as a job of some shape would use it; `units` 0: not adequate.
struct Use {
  std::uint32_t units = 0;  // on each node
  std::int64_t rate = 0;    // micro-units an hour for all nodes
  std::int64_t speed = 0;   // ppm
};

struct Shape {
  std::uint32_t nodes = 1;
  std::vector<Use> uses;  // by pool
};

struct DataPrice {
  std::int64_t in = 0;  // micro-units a gigabyte
  std::int64_t out = 0;
};

struct TraceJob {
  std::int64_t arrival = 0;
  std::uint32_t shape = 0;
  std::uint32_t home = 0;
  std::int64_t work = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

// The sites and jobs, and what each job would cost where: by the router's own functions over a
// market of which everything is free.
class Day {
 public:
  Day(const std::filesystem::path& folder, bool sized);

  std::uint32_t pool_number(const SiteId& site, const PoolId& pool) const {
    return pool_numbers.at({site, pool});
  }
  std::int64_t seconds(const TraceJob& job, std::uint32_t pool) const {
    return ceil_div(job.work * ppm_one, shapes[job.shape].uses[pool].speed);
  }
  std::int64_t compute_cost(const TraceJob& job, std::uint32_t pool) const {
    const std::int64_t billed = ceil_div(seconds(job, pool), kIncrement) * kIncrement;
    return ceil_div(shapes[job.shape].uses[pool].rate * billed, 3'600);
  }
  std::int64_t data_cost(const TraceJob& job, std::uint32_t pool) const {
    const DataPrice& price = data_prices[job.home][pool];
    const auto part = [](std::int64_t each, std::uint64_t bytes) {
      return ceil_div(each * static_cast<std::int64_t>(bytes), 1'000'000'000);
    };
    return part(price.in, job.bytes_in) + part(price.out, job.bytes_out);
  }
  std::int64_t cost(const TraceJob& job, std::uint32_t pool) const {
    return compute_cost(job, pool) + data_cost(job, pool);
  }

  std::vector<SiteRecord> sites;
  std::vector<JobSpec> specs;
  std::vector<TraceJob> jobs;
  std::vector<const Pool*> pools;
  std::vector<std::uint32_t> site_of_pool;
  std::map<std::pair<SiteId, PoolId>, std::uint32_t> pool_numbers;
  std::vector<Shape> shapes;
  std::map<std::string, std::uint32_t> homes;
  std::vector<std::vector<DataPrice>> data_prices;  // by home, then pool

 private:
  Survey survey_of(const JobSpec& spec) const {
    const RouteRequest request{spec, kTenant, "day", kNone};
    return survey(request, view_, RouteOptions{}, JobData(spec, view_), now);
  }
  std::uint32_t shape_of(const JobSpec& spec);
  static JobSpec bare(const JobSpec& spec);
  std::uint32_t home_of(const std::string& region);

  MarketView view_;
  std::map<std::string, std::uint32_t> shape_numbers_;
};

}  // namespace tradewind::bench

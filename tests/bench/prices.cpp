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
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <queue>
#include <string>
#include <tuple>
#include <vector>

#include "broker/core/market_router.h"
#include "broker/routing/survey.h"
#include "gateway/admission/node_book.h"
#include "gateway/pricing/quote_sheet.h"
#include "schemas/assert.h"
#include "tests/bench/bound.h"
#include "tests/bench/market.h"

namespace {

using namespace tradewind;

constexpr std::int64_t kLongest = limits::seconds_max;
constexpr std::int64_t kDay = 24 * 3'600;
constexpr std::int64_t kShortWork = 4 * 3'600;
const std::string kSize = "node-size";
constexpr std::int64_t kIncrement = 60;  // seconds, as the tariffs of real_sites bill
const TenantId kTenant{"bench"};
const std::vector<SiteId> kNone;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// Of a node, or of the node that a job of so many devices wants: as day.py's spans.
std::string size_of(std::uint32_t devices) {
  return devices == 0 ? "0" : std::to_string(std::bit_ceil(devices));
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
    return survey(request, view_, RouteOptions{}, JobData(spec, view_), bench::now);
  }
  std::uint32_t shape_of(const JobSpec& spec);
  static JobSpec bare(const JobSpec& spec);
  std::uint32_t home_of(const std::string& region);

  MarketView view_;
  std::map<std::string, std::uint32_t> shape_numbers_;
};

Day::Day(const std::filesystem::path& folder, bool sized) {
  sites = bench::real_sites(folder, UINT32_MAX).records;
  specs = bench::real_jobs(folder);
  std::ifstream arrivals(folder / "arrivals.txt");
  if (sites.empty() || specs.empty() || !arrivals) {
    fail(folder.string() + " does not hold sites.txt, jobs.txt and arrivals.txt");
  }
  for (SiteRecord& site : sites) {
    site.policy.run_seconds_max = static_cast<std::uint32_t>(limits::seconds_max);
    SiteStanding standing;
    for (Pool& pool : site.pools) {
      pool.price_curve.a_ppm = 0;
      if (sized) pool.labels[kSize] = size_of(pool.node.accelerators);
      standing.pools.push_back(PoolStanding{pool.id, pool.nodes * units_per_node(pool),
                                            units_per_node(pool), pool.nodes, 0, {}});
    }
    view_.accept(bench::record_of(site, 1));
    view_.accept(bench::record_of(make_quote_sheet(site, standing), 1));
  }
  for (std::uint32_t site = 0; site < sites.size(); ++site) {
    for (const Pool& pool : sites[site].pools) {
      pool_numbers[{sites[site].site, pool.id}] = static_cast<std::uint32_t>(pools.size());
      pools.push_back(&pool);
      site_of_pool.push_back(site);
    }
  }
  for (JobSpec& spec : specs) {
    if (sized) {
      spec.constraints.labels[kSize] = size_of(spec.resources.accelerators);
      if (survey_of(bare(spec)).drafts.empty()) spec.constraints.labels.clear();
    }
    TraceJob& job = jobs.emplace_back();
    if (!(arrivals >> job.arrival)) fail("arrivals.txt has fewer lines than jobs.txt");
    job.shape = shape_of(spec);
    job.home = home_of(spec.home_region);
    job.work = static_cast<std::int64_t>(spec.variants.front().work_seconds);
    job.bytes_in = spec.inputs.front().size_bytes;
    job.bytes_out = spec.outputs.front().size_bytes;
  }
}

// Without what differs between jobs of one shape.
JobSpec Day::bare(const JobSpec& spec) {
  JobSpec bare = spec;
  bare.inputs.clear();
  bare.outputs.clear();
  bare.variants.front().work_seconds = 1;  // so that no limit on the run stands against it
  return bare;
}

std::uint32_t Day::shape_of(const JobSpec& spec) {
  const Variant& variant = spec.variants.front();
  std::string key = std::to_string(spec.resources.cpus) + ' ' +
                    std::to_string(spec.resources.memory_mib) + ' ' +
                    std::to_string(spec.resources.accelerators) + ' ' + std::to_string(spec.nodes) +
                    ' ' + std::to_string(variant.accelerator.memory_gib_min);
  for (const std::string& model : variant.accelerator.models) key += ' ' + model;
  for (const auto& [name, value] : spec.constraints.labels) key += ' ' + name + ' ' + value;
  const auto [place, is_new] =
      shape_numbers_.try_emplace(key, static_cast<std::uint32_t>(shapes.size()));
  if (!is_new) return place->second;
  Shape& shape = shapes.emplace_back();
  shape.nodes = spec.nodes;
  shape.uses.resize(pools.size());
  for (const Draft& draft : survey_of(bare(spec)).drafts) {
    Use& use = shape.uses[pool_number(draft.site->record.site, draft.pool->id)];
    use.units = draft.units;
    use.rate = draft.rate.micros;
    use.speed = draft.pool->performance_ppm.at(variant.workload_class);
  }
  return place->second;
}

std::uint32_t Day::home_of(const std::string& region) {
  const auto [place, is_new] =
      homes.try_emplace(region, static_cast<std::uint32_t>(data_prices.size()));
  if (!is_new) return place->second;
  // A job that every pool can run, with a gigabyte each way.
  JobSpec spec = specs.front();
  spec.resources = Resources{1, 1, 0, 0};
  spec.nodes = 1;
  spec.constraints = {};
  spec.home_region = region;
  spec.variants = {Variant{}};
  spec.variants.front().architectures = {Architecture::amd64, Architecture::arm64};
  spec.variants.front().duration_seconds = 1;
  spec.inputs.front().size_bytes = spec.outputs.front().size_bytes = 1'000'000'000;
  spec.inputs.front().replicas = {Replica{"https://data.example/in", region + "-0", region}};
  std::vector<DataPrice>& prices = data_prices.emplace_back(pools.size());
  const Survey found = survey_of(spec);
  if (found.drafts.size() != pools.size()) fail("a pool without a way to " + region);
  for (const Draft& draft : found.drafts) {
    prices[pool_number(draft.site->record.site, draft.pool->id)] = {draft.cost.data_in.micros,
                                                                    draft.cost.data_out.micros};
  }
  return place->second;
}

enum class Policy { routed, home, compute };

// What became of one job.
struct Run {
  std::int64_t start = 0;
  std::int64_t wait = 0;
  std::uint32_t pool = 0;
  std::int64_t cost = 0;
  bool away = false;
};

struct Compared {
  std::uint64_t decisions = 0;  // of jobs that started at once
  std::uint64_t dearer_than_home = 0;
  std::uint64_t dearer_than_compute = 0;
  std::uint64_t home_had_room = 0;
};

class Replay {
 public:
  Replay(const Day& day, Policy policy, std::uint32_t days, std::uint32_t counted);
  void run();

  // Of the jobs of the counted days, one day after the other.
  std::vector<Run> runs() const {
    return {runs_.end() - static_cast<std::ptrdiff_t>(day_.jobs.size() * counted_), runs_.end()};
  }
  const Compared& compared() const { return compared_; }
  // Of what the pools of devices could do on the counted days, the share that is taken:
  // unit-hours, each counted by the speed of its devices.
  double load() const;

 private:
  using Key = std::pair<std::uint32_t, std::uint32_t>;  // shape, and home where it matters

  const TraceJob& job_of(std::uint32_t number) const {
    return day_.jobs[number % day_.jobs.size()];
  }
  const JobSpec& spec_of(std::uint32_t number) const {
    return day_.specs[number % day_.specs.size()];
  }
  Key key_of(const TraceJob& job) const {
    return {job.shape, policy_ == Policy::home ? job.home : 0};
  }
  std::int64_t arrival(std::uint32_t number) const {
    return job_of(number).arrival +
           std::int64_t{static_cast<std::int64_t>(number / day_.jobs.size())} * kDay;
  }
  bool skipped(std::uint32_t number) const {
    return number / day_.jobs.size() + counted_ + 1 < days_ && job_of(number).work < kShortWork;
  }
  void publish(std::uint32_t site);
  // Nothing when it finds no room now.
  std::optional<std::uint32_t> choose(std::uint32_t number, Policy policy);
  bool start(std::uint32_t number, bool at_once);
  void compare(std::uint32_t number, std::uint32_t pool);
  void end(std::uint32_t number);
  void wake(std::uint32_t pool);

  const Day& day_;
  const Policy policy_;
  const std::uint32_t days_;
  const std::uint32_t counted_;
  MarketRouter router_{RouteOptions{}};
  std::vector<NodeBook> books_;  // by pool
  std::vector<std::uint64_t> versions_;
  std::vector<Run> runs_;
  std::vector<std::vector<std::uint32_t>> nodes_;  // by job, while it runs
  std::map<Key, std::deque<std::uint32_t>> waiting_;
  std::priority_queue<std::pair<std::int64_t, std::uint32_t>,
                      std::vector<std::pair<std::int64_t, std::uint32_t>>, std::greater<>>
      ends_;
  std::int64_t second_ = 0;
  Compared compared_;
};

Now now_at(std::int64_t second) {
  return Now{Mono::time_point(std::chrono::seconds(second)),
             bench::now + std::chrono::seconds(second)};
}

Replay::Replay(const Day& day, Policy policy, std::uint32_t days, std::uint32_t counted)
    : day_(day), policy_(policy), days_(days), counted_(counted) {
  for (const Pool* pool : day.pools) books_.emplace_back(pool->nodes, units_per_node(*pool));
  versions_.resize(day.sites.size());
  runs_.resize(day.jobs.size() * days);
  nodes_.resize(runs_.size());
  for (std::uint32_t site = 0; site < day.sites.size(); ++site) {
    Record record = bench::record_of(day.sites[site], 1);
    record.header.valid_until = Wall::time_point::max();
    router_.accept(record);
    publish(site);
  }
}

void Replay::publish(std::uint32_t site) {
  SiteStanding standing;
  const SiteRecord& record = day_.sites[site];
  for (const Pool& pool : record.pools) {
    const NodeBook& book = books_[day_.pool_number(record.site, pool.id)];
    standing.pools.push_back(
        PoolStanding{pool.id, book.units_free(), book.units_free_node(), book.nodes_free(), 0, {}});
  }
  Record sheet = bench::record_of(make_quote_sheet(record, standing), ++versions_[site]);
  sheet.header.issued = now_at(second_).wall;
  sheet.header.valid_until = Wall::time_point::max();  // renewed, as a gateway does
  router_.accept(sheet);
}

std::optional<std::uint32_t> Replay::choose(std::uint32_t number, Policy policy) {
  const TraceJob& job = job_of(number);
  JobRecord asked;
  asked.job = job_id(Sequence{number + 1});
  asked.tenant = kTenant;
  asked.spec = spec_of(number);
  if (policy == Policy::home) {
    asked.spec.constraints.regions_allowed = {asked.spec.home_region};
  } else if (policy == Policy::compute) {
    asked.spec.inputs.clear();
    asked.spec.outputs.clear();
  }
  const std::optional<Decision> decided = router_.decide(asked, kNone, now_at(second_));
  if (!decided) return std::nullopt;
  const Candidate& chosen = *decided->chosen;
  const std::uint32_t pool = day_.pool_number(chosen.site, chosen.pool);
  // The bound reckons with the same costs as the router does.
  const std::int64_t reckoned =
      policy == Policy::compute ? day_.compute_cost(job, pool) : day_.cost(job, pool);
  if (reckoned != chosen.cost.total.micros) fail("a cost that the router reckons otherwise");
  if (static_cast<std::uint64_t>(day_.seconds(job, pool)) != chosen.finish.run_seconds) {
    fail("a run time that the router reckons otherwise");
  }
  return pool;
}

bool Replay::start(std::uint32_t number, bool at_once) {
  const std::optional<std::uint32_t> pool = choose(number, policy_);
  if (!pool) return false;
  if (at_once && policy_ == Policy::routed) compare(number, *pool);
  const TraceJob& job = job_of(number);
  const Shape& shape = day_.shapes[job.shape];
  auto nodes = books_[*pool].best_fit(shape.nodes, shape.uses[*pool].units);
  if (!nodes) fail("a sheet that promised too much");
  books_[*pool].take(*nodes, shape.uses[*pool].units);
  nodes_[number] = std::move(*nodes);
  const SiteRecord& site = day_.sites[day_.site_of_pool[*pool]];
  runs_[number] = Run{second_, second_ - arrival(number), *pool, day_.cost(job, *pool),
                      site.region.value != spec_of(number).home_region};
  ends_.emplace(second_ + day_.seconds(job, *pool), number);
  publish(day_.site_of_pool[*pool]);
  return true;
}

void Replay::compare(std::uint32_t number, std::uint32_t pool) {
  const TraceJob& job = job_of(number);
  const std::int64_t cost = day_.cost(job, pool);
  if (number + day_.jobs.size() * counted_ < runs_.size()) return;
  ++compared_.decisions;
  const auto compute = choose(number, Policy::compute);
  if (!compute || cost > day_.cost(job, *compute)) ++compared_.dearer_than_compute;
  if (const auto home = choose(number, Policy::home)) {
    ++compared_.home_had_room;
    if (cost > day_.cost(job, *home)) ++compared_.dearer_than_home;
  }
}

void Replay::end(std::uint32_t number) {
  const std::uint32_t pool = runs_[number].pool;
  books_[pool].give_back(nodes_[number], day_.shapes[job_of(number).shape].uses[pool].units);
  nodes_[number].clear();
  publish(day_.site_of_pool[pool]);
  wake(pool);
}

// What waits can only go where something has become free: the longest waiting first.
void Replay::wake(std::uint32_t pool) {
  for (bool placed = true; placed;) {
    placed = false;
    auto first = waiting_.end();
    for (auto each = waiting_.begin(); each != waiting_.end(); ++each) {
      const std::uint32_t number = each->second.front();
      const Shape& shape = day_.shapes[each->first.first];
      const std::uint32_t units = shape.uses[pool].units;
      if (units == 0 || !books_[pool].best_fit(shape.nodes, units)) continue;
      // The router gives whole empty nodes to jobs on several.
      if (shape.nodes > 1 && books_[pool].nodes_free() < shape.nodes) continue;
      if (day_.seconds(job_of(number), pool) > kLongest) continue;
      const SiteRecord& site = day_.sites[day_.site_of_pool[pool]];
      if (policy_ == Policy::home && spec_of(number).home_region != site.region.value) continue;
      if (first == waiting_.end() || number < first->second.front()) first = each;
    }
    if (first == waiting_.end()) return;
    placed = start(first->second.front(), false);
    if (!placed) fail("a job that fits and finds no place");
    first->second.pop_front();
    if (first->second.empty()) waiting_.erase(first);
  }
}

void Replay::run() {
  for (std::uint32_t number = 0; number <= runs_.size(); ++number) {
    const bool more = number < runs_.size();
    const std::int64_t until = more ? arrival(number) : INT64_MAX;
    while (!ends_.empty() && ends_.top().first <= until) {
      const auto [at, ended] = ends_.top();
      ends_.pop();
      second_ = at;
      router_.expire(now_at(second_));
      router_.pass(now_at(second_).wall);
      end(ended);
    }
    if (!more) break;
    if (skipped(number)) continue;
    second_ = until;
    router_.expire(now_at(second_));
    router_.pass(now_at(second_).wall);
    const Key key = key_of(job_of(number));
    if (waiting_.contains(key) || !start(number, true)) waiting_[key].push_back(number);
  }
  if (!waiting_.empty()) fail("jobs that wait for ever");
}

double Replay::load() const {
  const std::int64_t from = (days_ - counted_) * kDay;
  const std::int64_t to = days_ * kDay;
  double offered = 0;
  for (const Pool* pool : day_.pools) {
    if (pool->unit.accelerators == 0) continue;
    offered += static_cast<double>(pool->nodes) * pool->node.accelerators *
               static_cast<double>(pool->performance_ppm.at("train")) *
               static_cast<double>(to - from);
  }
  double taken = 0;
  for (std::uint32_t number = 0; number < runs_.size(); ++number) {
    const Run& run = runs_[number];
    const TraceJob& job = job_of(number);
    if (skipped(number)) continue;
    if (day_.pools[run.pool]->unit.accelerators == 0) continue;
    const Use& use = day_.shapes[job.shape].uses[run.pool];
    const std::int64_t end = run.start + day_.seconds(job, run.pool);
    const std::int64_t overlap = std::min(end, to) - std::max(run.start, from);
    if (overlap <= 0) continue;
    taken += static_cast<double>(overlap) * use.units * day_.shapes[job.shape].nodes *
             day_.pools[run.pool]->unit.accelerators *
             static_cast<double>(day_.pools[run.pool]->performance_ppm.at("train"));
  }
  return taken / offered;
}

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
  std::vector<bench::PlanPool> pools;
  for (const Pool* pool : day.pools) {
    bench::PlanPool& plan = pools.emplace_back();
    plan.units = static_cast<double>(pool->nodes) * units_per_node(*pool);
    const bool device = pool->unit.accelerators > 0;
    plan.speed = device ? static_cast<double>(pool->performance_ppm.at("train")) / 1e6 *
                              pool->unit.accelerators
                        : 0;
    plan.rate = static_cast<double>(unit_price(*pool).micros) / 1e6 / 3'600;
  }
  std::vector<std::vector<bench::PlanWay>> ways;
  for (const Shape& shape : day.shapes) {
    auto& list = ways.emplace_back();
    for (std::uint32_t pool = 0; pool < shape.uses.size(); ++pool) {
      const Use& use = shape.uses[pool];
      if (use.units == 0) continue;
      list.push_back({pool, static_cast<double>(use.units) * shape.nodes,
                      static_cast<double>(use.rate) / 1e6 / 3'600,
                      static_cast<double>(use.speed) / 1e6});
    }
    std::ranges::sort(list, {},
                      [](const bench::PlanWay& way) { return way.rate / way.work_per_second; });
  }
  std::vector<std::vector<double>> data;
  for (const auto& prices : day.data_prices) {
    auto& list = data.emplace_back();
    for (const DataPrice& each : prices) {
      list.push_back((static_cast<double>(each.in) + 0.1 * static_cast<double>(each.out)) / 1e15);
    }
  }
  std::vector<bench::PlanJob> jobs;
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
  return bench::least_cost(jobs, pools, kDay, 48, kIncrement, rounds);
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

int main(int count, char** arguments) {
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

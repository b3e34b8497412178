#include "tests/bench/price_replay.h"

#include <algorithm>
#include <chrono>

#include "gateway/pricing/quote_sheet.h"
#include "schemas/limits.h"
#include "tests/bench/figure.h"

namespace tradewind::bench {
namespace {

constexpr std::int64_t kLongest = limits::seconds_max;

Now now_at(std::int64_t second) {
  return Now{Mono::time_point(std::chrono::seconds(second)), now + std::chrono::seconds(second)};
}

}  // namespace

Replay::Replay(const Day& day, Policy policy, std::uint32_t days, std::uint32_t counted)
    : day_(day), policy_(policy), days_(days), counted_(counted) {
  for (const Pool* pool : day.pools) books_.emplace_back(pool->nodes, units_per_node(*pool));
  versions_.resize(day.sites.size());
  runs_.resize(day.jobs.size() * days);
  nodes_.resize(runs_.size());
  for (std::uint32_t site = 0; site < day.sites.size(); ++site) {
    Record record = record_of(day.sites[site], 1);
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
  Record sheet = record_of(make_quote_sheet(record, standing), ++versions_[site]);
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

}  // namespace tradewind::bench

#include "tests/bench/bound.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <thread>

namespace tradewind::bench {
namespace {

// Jobs of so little reference work (seconds) are looked at in every so many rounds only.
constexpr double kSmallWork = 3'600;
constexpr int kRoundsPerLook = 8;
// How soft the least is when prices move, at first and then falling to this share: a share of the
// least itself. Hard ones let all jobs jump from pool to pool at once.
constexpr double kSoftness = 0.005;
constexpr double kSoftnessEnd = 0.1;
constexpr double kFar = 10;  // times that above the least, a way counts no more
// What prices move by at most in a round, of what the pool's work is worth.
constexpr double kStep = 0.02;
constexpr double kStepEnd = 0.02;
constexpr double kLoadGuess = 0.85;

// The period in buckets of one length.
class Clock {
 public:
  Clock(double period, std::size_t count)
      : count_(count), length_(period / static_cast<double>(count)) {}
  std::size_t count() const { return count_; }
  double length() const { return length_; }
  double period() const { return static_cast<double>(count_) * length_; }
  // Whole periods before the second, the bucket that it falls into, and how far into it.
  struct Place {
    double periods = 0;
    std::size_t bucket = 0;
    double within = 0;
  };
  Place at(double second) const {
    Place place;
    place.periods = std::floor(second / period());
    const double rest = second - place.periods * period();
    place.bucket = std::min(static_cast<std::size_t>(rest / length_), count_ - 1);
    place.within = rest - static_cast<double>(place.bucket) * length_;
    return place;
  }

 private:
  std::size_t count_;
  double length_;
};

// A way at its best start; the value with prices, later its weight.
struct Least {
  double value = INFINITY;
  std::uint32_t pool = 0;
  double units = 0;
  double start = 0;
  double end = 0;
};

class Dual {
 public:
  Dual(const std::vector<PlanJob>& jobs, const std::vector<PlanPool>& pools, Clock clock,
       double increment)
      : pools_(pools), clock_(clock), increment_(increment) {
    price_.assign(pools.size() * clock_.count(), 0.0);
    paid_.assign(pools.size() * (clock_.count() + 1), 0.0);
    for (const PlanJob& job : jobs) (job.work < kSmallWork ? small_ : large_).push_back(&job);
  }

  std::vector<double>& price() { return price_; }

  // The value at the prices; `taken` becomes the unit-seconds that the least ways take, shared
  // among those that are nearly as good. The value itself is exact whatever the softness. Unless
  // `all`, small jobs count as when all were last looked at: good enough to move prices by, no
  // bound.
  double value(std::vector<double>& taken, double softness, bool all);

 private:
  struct Share {
    double sum = 0;
    std::vector<double> taken;
    std::vector<double> whole;  // differences of units that take a whole bucket
    void add(const Share& other) {
      sum += other.sum;
      std::ranges::transform(taken, other.taken, taken.begin(), std::plus());
      std::ranges::transform(whole, other.whole, whole.begin(), std::plus());
    }
  };
  // What a unit pays from second 0 on.
  double paid(std::uint32_t pool, const Clock::Place& place) const {
    const double* const row = &paid_[pool * (clock_.count() + 1)];
    return place.periods * row[clock_.count()] + row[place.bucket] +
           price_[pool * clock_.count() + place.bucket] * place.within;
  }
  void look(const PlanJob& job, std::vector<Least>& found, Share& share) const;
  void take(const Least& way, Share& share) const;
  Share sum(const std::vector<const PlanJob*>& jobs) const;

  std::vector<const PlanJob*> small_;
  std::vector<const PlanJob*> large_;
  Share of_small_;
  const std::vector<PlanPool>& pools_;
  const Clock clock_;
  const double increment_;
  double softness_ = 0;
  std::vector<double> price_;  // by pool, then bucket: money for a unit-second
  std::vector<double> paid_;   // a unit from second 0 to the bucket's start
};

void Dual::look(const PlanJob& job, std::vector<Least>& found, Share& share) const {
  found.clear();
  double best = INFINITY;
  const Clock::Place earliest = clock_.at(job.earliest_start);
  for (const PlanWay& way : *job.ways) {
    const double run = job.work / way.work_per_second;
    const double billed = std::max(std::ceil(run / increment_), 1.0) * increment_;
    const double cost = way.rate * billed + job.bytes * (*job.data_price)[way.pool];
    if (cost >= best * (1 + kFar * softness_)) continue;  // prices are never negative
    Least least;
    const auto consider = [&](double start, const Clock::Place& place) {
      const double value =
          cost + way.units * (paid(way.pool, clock_.at(start + run)) - paid(way.pool, place));
      if (value < least.value) least = Least{value, way.pool, way.units, start, start + run};
    };
    consider(job.earliest_start, earliest);
    if (job.latest_start > job.earliest_start) {
      // In between the value is linear but where the start or the end goes into another bucket.
      consider(job.latest_start, clock_.at(job.latest_start));
      const auto breaks = [&](double from, double to, double shift) {
        const double length = clock_.length();
        for (double at = (std::floor(from / length) + 1) * length; at < to; at += length) {
          consider(at - shift, clock_.at(at - shift));
        }
      };
      breaks(job.earliest_start, job.latest_start, 0);
      breaks(job.earliest_start + run, job.latest_start + run, run);
    }
    best = std::min(best, least.value);
    found.push_back(least);
  }
  double weights = 0;
  for (Least& way : found) {
    const double above = (way.value - best) / (best * softness_);
    way.value = above < kFar ? std::exp(-above) : 0;
    weights += way.value;
  }
  for (Least& way : found) {
    if (way.value <= 0) continue;
    way.units *= way.value / weights;
    take(way, share);
  }
  share.sum += best;
}

void Dual::take(const Least& way, Share& share) const {
  const Clock::Place from = clock_.at(way.start);
  const Clock::Place to = clock_.at(way.end);
  const std::size_t row = way.pool * clock_.count();
  const std::size_t whole = way.pool * (clock_.count() + 1);
  // All from second 0 to the end, less all from second 0 to the start.
  const auto add = [&](const Clock::Place& place, double units) {
    share.taken[row + place.bucket] += units * place.within;
    share.whole[whole] += units * (place.periods + 1);
    share.whole[whole + place.bucket] -= units;
  };
  add(to, way.units);
  add(from, -way.units);
}

Dual::Share Dual::sum(const std::vector<const PlanJob*>& jobs) const {
  const std::size_t threads = std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
  std::vector<Share> shares(threads);
  std::vector<std::thread> running;
  for (std::size_t first = 0; first < threads; ++first) {
    running.emplace_back([this, first, threads, &jobs, &share = shares[first]] {
      std::vector<Least> found;
      share.taken.assign(price_.size(), 0.0);
      share.whole.assign(paid_.size(), 0.0);
      for (std::size_t index = first; index < jobs.size(); index += threads) {
        look(*jobs[index], found, share);
      }
    });
  }
  for (std::thread& each : running) each.join();
  Share& all = shares.front();
  for (std::size_t index = 1; index < threads; ++index) all.add(shares[index]);
  return std::move(all);
}

double Dual::value(std::vector<double>& taken, double softness, bool all) {
  softness_ = softness;
  const std::size_t buckets = clock_.count();
  double offered = 0;
  for (std::size_t pool = 0; pool < pools_.size(); ++pool) {
    double* const row = &paid_[pool * (buckets + 1)];
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
      row[bucket + 1] = row[bucket] + price_[pool * buckets + bucket] * clock_.length();
    }
    offered += row[buckets] * pools_[pool].units;
  }
  Share share = sum(large_);
  if (all) of_small_ = sum(small_);
  share.add(of_small_);
  taken.assign(price_.size(), 0.0);
  for (std::size_t pool = 0; pool < pools_.size(); ++pool) {
    double whole = 0;
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
      const std::size_t at = pool * buckets + bucket;
      whole += share.whole[pool * (buckets + 1) + bucket];
      taken[at] = share.taken[at] + whole * clock_.length();
    }
  }
  return share.sum - offered;
}

// What a second of reference work costs where the cheapest pools do kLoadGuess of all that the
// pools could do: a first guess of what the dearest of them in use is worth.
double marginal_price(const std::vector<PlanPool>& pools) {
  std::vector<const PlanPool*> order;
  double all = 0;
  for (const PlanPool& pool : pools) {
    if (pool.speed <= 0) continue;
    order.push_back(&pool);
    all += pool.units * pool.speed;
  }
  std::ranges::sort(order, {}, [](const PlanPool* pool) { return pool->rate / pool->speed; });
  double sum = 0;
  for (const PlanPool* pool : order) {
    sum += pool->units * pool->speed;
    if (sum >= kLoadGuess * all) return pool->rate / pool->speed;
  }
  return 0;
}

}  // namespace

double least_cost(const std::vector<PlanJob>& jobs, const std::vector<PlanPool>& pools,
                  double period, std::size_t buckets, double increment, int rounds) {
  Dual dual(jobs, pools, Clock(period, buckets), increment);
  std::vector<double>& price = dual.price();
  const double marginal = marginal_price(pools);
  for (std::size_t pool = 0; pool < pools.size(); ++pool) {
    std::fill_n(price.begin() + static_cast<std::ptrdiff_t>(pool * buckets), buckets,
                std::max(0.0, marginal * pools[pool].speed - pools[pool].rate));
  }
  double bound = 0;
  std::vector<double> taken;
  for (int round = 0; round < rounds; ++round) {
    const double along = static_cast<double>(round) / rounds;
    const bool all = round % kRoundsPerLook == 0 || round + 1 == rounds;
    const double value = dual.value(taken, kSoftness * std::pow(kSoftnessEnd, along), all);
    if (all) bound = std::max(bound, value);
    const bool flat = 2 * round < rounds;  // first one price a pool, then one a bucket
    const double step = kStep * std::pow(kStepEnd, along) * marginal;
    for (std::size_t pool = 0; pool < pools.size(); ++pool) {
      const auto row = taken.begin() + static_cast<std::ptrdiff_t>(pool * buckets);
      const auto end = row + static_cast<std::ptrdiff_t>(buckets);
      if (flat) {
        std::fill(row, end, std::accumulate(row, end, 0.0) / static_cast<double>(buckets));
      }
      const double there = pools[pool].units * period / static_cast<double>(buckets);
      for (std::size_t index = 0; index < buckets; ++index) {
        const double excess = std::clamp(taken[pool * buckets + index] / there - 1, -1.0, 1.0);
        double& each = price[pool * buckets + index];
        each = std::max(0.0, each + step * excess * pools[pool].speed);
      }
    }
  }
  return bound;
}

}  // namespace tradewind::bench

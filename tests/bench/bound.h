// The least that any plan could pay for jobs that come again every day, with all of them known
// beforehand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tradewind::bench {

// One way to run a job: at a pool, on all the units that it takes there.
struct PlanWay {
  std::uint32_t pool = 0;
  double units = 0;
  double rate = 0;             // money a second, for all of them
  double work_per_second = 1;  // reference work done in a second
};

struct PlanJob {
  const std::vector<PlanWay>* ways = nullptr;
  double work = 0;                                  // reference seconds
  double earliest_start = 0;                        // seconds into the period
  double latest_start = 0;                          // may lie in a later one
  const std::vector<double>* data_price = nullptr;  // by pool: money a byte
  double bytes = 0;
};

struct PlanPool {
  double units = 0;
  double speed = 0;  // of a unit, in reference work a second; 0: of another kind of work
  double rate = 0;   // of a unit, money a second
};

// No plan costs less than this in a period on average, however long it goes on.
//
// A plan gives each job of each period one of its ways and a start from its earliest to its latest,
// never pauses it, and takes in no pool and at no time more units than there are. A job costs
// rate * run + data, with run = work / speed, billed in whole `increment` seconds.
//
// The bound is a Lagrange dual. The period is cut into buckets, and a price is put on each
// unit-second of each pool and bucket, the same in every period. Whatever these prices are, as long
// as none is negative,
//
//   sum over the period's jobs of the least over ways and starts of (cost + price of what is taken)
//     - sum over pools and buckets of (price * unit-seconds there are)
//
// is at most what a period of any plan costs on average: the way that the plan gives a job is one
// of those that the least was taken of, and what all jobs take of a pool in a bucket is on average
// no more than there is. So each round gives a true bound, and the greatest is returned; how good
// the prices are decides only how close it comes. They are raised where the jobs' least ways take
// more than there is and lowered elsewhere. At the best prices this is the value of the linear
// relaxation in which a job may be split over ways and starts, and nodes over jobs.
double least_cost(const std::vector<PlanJob>& jobs, const std::vector<PlanPool>& pools,
                  double period, std::size_t buckets, double increment, int rounds);

}  // namespace tradewind::bench

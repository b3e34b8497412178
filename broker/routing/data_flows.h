// What a job's inputs and outputs cost and take at each site, read from the path table: the same
// figures as JobData gives, and lower bounds of them for many sites at once. Pure; one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/routing/limits.h"
#include "broker/routing/path_table.h"
#include "broker/routing/transfer.h"
#include "schemas/job.h"
#include "state/market/columns.h"

namespace tradewind {

class DataFlows {
 public:
  __extension__ using Wide = unsigned __int128;

  struct Least {
    Wide cost = 0;              // micro-units * 2^32
    std::uint64_t seconds = 0;  // stage in and stage out
  };

  // Takes up another job; borrows from it and from the table until the next one. False when it
  // names more than limits::places_per_job_indexed places.
  bool plan(const JobSpec& spec, PathTable& paths);

  // Whether nothing can cost or take anything.
  bool none() const { return bounded_.empty(); }
  // At least so much, where `at` gives lower bounds of each row's paths.
  template <class At>
  Least least(At at) const {
    Least result;
    std::uint64_t in = 0;
    std::uint64_t out = 0;
    for (const Bounded& each : bounded_) {
      LeastPath path = at(*rows_[each.first]);
      for (std::uint32_t other = each.first + 1; other < each.end; ++other) {
        const LeastPath way = at(*rows_[other]);
        path.price = std::min(path.price, way.price);
        path.pace = std::min(path.pace, way.pace);
      }
      result.cost += Wide{each.gigabytes} * path.price;
      // 2^40 is a little more than the 10^12 picoseconds of a second.
      const auto seconds = static_cast<std::uint64_t>(
          std::min(Wide{each.bytes} * path.pace >> 40, Wide{limits::seconds_forever}));
      std::uint64_t& slowest = each.leaving ? out : in;
      slowest = std::max(slowest, seconds);
    }
    result.seconds = in + out;
    return result;
  }

  // The exact figures, but the replicas only when `replicas` is given. False when an input has no
  // reachable replica.
  bool at(const MarketColumns& columns, std::uint32_t site, Transfer& transfer,
          std::vector<std::uint32_t>* replicas) const;

 private:
  struct Bounded {
    std::uint32_t first = 0;  // in rows_, of the ways it may go
    std::uint32_t end = 0;
    std::uint64_t gigabytes = 0;  // * 2^32, rounded down
    std::uint64_t bytes = 0;
    bool leaving = false;
  };

  const JobSpec* spec_ = nullptr;
  std::vector<const PathRow*> rows_;       // of each replica of each input, then of each output
  std::vector<std::uint32_t> input_rows_;  // per input, where its rows begin
  std::uint32_t output_rows_ = 0;
  std::vector<Bounded> bounded_;
};

}  // namespace tradewind

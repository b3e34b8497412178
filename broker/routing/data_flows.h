// What a job's inputs and outputs cost and take at each site, read from the path table: the same
// figures as JobData gives, and lower bounds of them for many sites at once. Pure; one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
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

  // Takes up another job; borrows from it and from the table until the next one. False when it
  // names more than limits::places_per_job_indexed places.
  bool plan(const JobSpec& spec, PathTable& paths);

  // Whether nothing can cost or take anything.
  bool none() const { return bounded_.empty(); }
  // Sites to look at first, perhaps none; what data costs at least at all others.
  std::span<const std::uint32_t> nearest_sites() const { return nearest_sites_; }
  std::uint64_t cost_elsewhere() const { return cost_elsewhere_; }
  // Sites that may hold some of the inputs are to be looked at by themselves: the bounds below are
  // those of all others.
  //
  // At least so many micro-units, where `price` gives a lower bound of each row's prices; below
  // 2^58.
  template <class Price>
  std::uint64_t least_cost(Price price) const {
    std::uint64_t sum = 0;
    for (const Bounded& each : bounded_) {
      std::uint64_t least = price(*rows_[each.first]);
      for (std::uint32_t other = each.first + 1; other < each.end; ++other) {
        least = std::min(least, price(*rows_[other]));
      }
      sum += static_cast<std::uint64_t>(Wide{each.gigabytes} * least >> 32);
    }
    return sum;
  }
  // At least so many seconds of staging, where `pace` gives a lower bound of each row's paces; at
  // most twice limits::seconds_forever.
  template <class Pace>
  std::uint64_t least_seconds(Pace pace) const {
    std::uint64_t in = 0;
    std::uint64_t out = 0;
    for (const Bounded& each : bounded_) {
      std::uint64_t least = pace(*rows_[each.first]);
      for (std::uint32_t other = each.first + 1; other < each.end; ++other) {
        least = std::min(least, pace(*rows_[other]));
      }
      // 2^40 is a little more than the 10^12 picoseconds of a second.
      const auto seconds = static_cast<std::uint64_t>(
          std::min(Wide{each.bytes} * least >> 40, Wide{limits::seconds_forever}));
      std::uint64_t& slowest = each.leaving ? out : in;
      slowest = std::max(slowest, seconds);
    }
    return in + out;
  }

  // Whether replicas and held inputs are told as well.
  enum class Sources : std::uint8_t { untold, told };
  // The exact figures. False when an input has no reachable replica.
  bool at(const MarketColumns& columns, std::uint32_t site, Transfer& transfer,
          Sources sources) const;

 private:
  struct Bounded {
    std::uint32_t first = 0;  // in rows_, of the ways it may go
    std::uint32_t end = 0;
    std::uint64_t gigabytes = 0;  // * 2^32, rounded down, below 2^47
    std::uint64_t bytes = 0;
    bool leaving = false;
  };

  void find_nearest();

  const JobSpec* spec_ = nullptr;
  std::vector<const PathRow*> rows_;       // of each replica of each input, then of each output
  std::vector<std::uint32_t> input_rows_;  // per input, where its rows begin
  std::uint32_t output_rows_ = 0;
  std::vector<Bounded> bounded_;
  std::span<const std::uint32_t> nearest_sites_;
  std::uint64_t cost_elsewhere_ = 0;
};

}  // namespace tradewind

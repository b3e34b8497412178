// A min-cost flow from classes of jobs to pools: how much of each class goes where so that the sum
// of costs is least, as if jobs could be split. Whole numbers only; the same problem gives the same
// answer with every compiler. Pure. The solver is LEMON's network simplex (docs/decisions/).
#pragma once

#include <cstdint>
#include <vector>

namespace tradewind {

struct FlowProblem {
  __extension__ using Wide = __int128;
  // Every cost is at least 0 and at most this: sums along any path then fit into 64 bits.
  static constexpr std::int64_t cost_max = std::int64_t{1} << 44;
  static constexpr std::uint32_t none = UINT32_MAX;

  struct Source {
    std::int64_t amount = 0;
    std::int64_t reject = 0;  // cost of one of it that goes nowhere
    std::int64_t beyond = 0;  // at least what one costs at any place that no arc leads to
  };
  struct Place {
    std::int64_t capacity = 0;
    std::uint32_t within = none;  // what comes here counts there too; that one is within no other
  };
  struct Arc {
    std::uint32_t source = 0;
    std::uint32_t place = 0;
    std::int64_t capacity = 0;
    std::int64_t cost = 0;
  };
  std::vector<Source> sources;
  std::vector<Place> places;
  std::vector<Arc> arcs;  // in order of their source
};

struct FlowAnswer {
  std::vector<std::int64_t> flows;   // by arc
  std::vector<std::int64_t> prices;  // by place: what one more of its capacity would save
  FlowProblem::Wide cost = 0;        // what goes nowhere included
  // No flow costs less, not even over the arcs that were left out: the value of the Lagrangian
  // relaxation at the solver's prices of the places. The cost itself when no arc was left out that
  // could matter.
  FlowProblem::Wide bound = 0;
};

// The sum of all amounts must be below 2^62.
FlowAnswer least_cost_flow(const FlowProblem& problem);

}  // namespace tradewind

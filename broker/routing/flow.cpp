#include "broker/routing/flow.h"

#include <lemon/network_simplex.h>
#include <lemon/smart_graph.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "schemas/assert.h"

namespace tradewind {
namespace {

using Graph = lemon::SmartDigraph;
using Simplex = lemon::NetworkSimplex<Graph, std::int64_t, std::int64_t>;

// With a price for each place, each source by itself takes the cheapest it can get; what all then
// pay, less what the places' capacities are worth, is a lower bound for any prices of at least 0.
FlowProblem::Wide bound_at(const FlowProblem& problem, const std::vector<std::int64_t>& prices) {
  FlowProblem::Wide sum = 0;
  for (std::size_t place = 0; place < problem.places.size(); ++place) {
    sum -= FlowProblem::Wide{problem.places[place].capacity} * prices[place];
  }
  std::vector<std::pair<std::int64_t, std::int64_t>> ways;  // cost and capacity
  std::size_t arc = 0;
  for (std::uint32_t number = 0; number < problem.sources.size(); ++number) {
    const FlowProblem::Source& source = problem.sources[number];
    const std::int64_t elsewhere = std::min(source.reject, source.beyond);
    ways.clear();
    for (; arc < problem.arcs.size() && problem.arcs[arc].source == number; ++arc) {
      const FlowProblem::Arc& each = problem.arcs[arc];
      const std::uint32_t within = problem.places[each.place].within;
      const std::int64_t cost =
          each.cost + prices[each.place] + (within == FlowProblem::none ? 0 : prices[within]);
      if (cost < elsewhere) ways.emplace_back(cost, each.capacity);
    }
    std::ranges::sort(ways);
    std::int64_t left = source.amount;
    for (const auto& [cost, capacity] : ways) {
      const std::int64_t taken = std::min(left, capacity);
      sum += FlowProblem::Wide{taken} * cost;
      left -= taken;
    }
    sum += FlowProblem::Wide{left} * elsewhere;
  }
  return sum;
}

}  // namespace

FlowAnswer least_cost_flow(const FlowProblem& problem) {
  Graph graph;
  const auto sources = problem.sources.size();
  const auto places = problem.places.size();
  graph.reserveNode(static_cast<int>(sources + places + 1));
  graph.reserveArc(static_cast<int>(sources + places + problem.arcs.size()));
  for (std::size_t node = 0; node <= sources + places; ++node) graph.addNode();
  const auto source_node = [](std::size_t number) {
    return Graph::nodeFromId(static_cast<int>(number));
  };
  const auto place_node = [&](std::size_t number) { return source_node(sources + number); };
  const Graph::Node sink = place_node(places);

  // Arcs by number: those of the problem, then what each source rejects, then out of each place.
  for (const FlowProblem::Arc& each : problem.arcs) {
    graph.addArc(source_node(each.source), place_node(each.place));
  }
  for (std::size_t number = 0; number < sources; ++number) graph.addArc(source_node(number), sink);
  for (std::size_t number = 0; number < places; ++number) {
    const std::uint32_t within = problem.places[number].within;
    graph.addArc(place_node(number), within == FlowProblem::none ? sink : place_node(within));
  }
  Graph::ArcMap<std::int64_t> capacities(graph);
  Graph::ArcMap<std::int64_t> costs(graph, 0);
  Graph::NodeMap<std::int64_t> supplies(graph, 0);
  int arc = 0;
  for (const FlowProblem::Arc& each : problem.arcs) {
    TRADEWIND_ASSERT(each.cost >= 0 && each.cost <= FlowProblem::cost_max);
    costs[Graph::arcFromId(arc)] = each.cost;
    capacities[Graph::arcFromId(arc++)] = each.capacity;
  }
  std::int64_t total = 0;
  for (std::size_t number = 0; number < sources; ++number) {
    const FlowProblem::Source& each = problem.sources[number];
    TRADEWIND_ASSERT(each.reject >= 0 && each.reject <= FlowProblem::cost_max);
    supplies[source_node(number)] = each.amount;
    total += each.amount;
    costs[Graph::arcFromId(arc)] = each.reject;
    capacities[Graph::arcFromId(arc++)] = each.amount;
  }
  supplies[sink] = -total;
  for (const FlowProblem::Place& each : problem.places) {
    capacities[Graph::arcFromId(arc++)] = each.capacity;
  }

  Simplex simplex(graph);
  simplex.upperMap(capacities).costMap(costs).supplyMap(supplies);
  const Simplex::ProblemType found = simplex.run();
  TRADEWIND_ASSERT(found == Simplex::OPTIMAL);  // all can be rejected, and no cost is negative

  FlowAnswer answer;
  answer.flows.reserve(problem.arcs.size());
  for (std::size_t number = 0; number < problem.arcs.size(); ++number) {
    const std::int64_t flow = simplex.flow(Graph::arcFromId(static_cast<int>(number)));
    answer.flows.push_back(flow);
    answer.cost += FlowProblem::Wide{flow} * problem.arcs[number].cost;
  }
  for (std::size_t number = 0; number < sources; ++number) {
    const Graph::Arc rejected = Graph::arcFromId(static_cast<int>(problem.arcs.size() + number));
    answer.cost += FlowProblem::Wide{simplex.flow(rejected)} * problem.sources[number].reject;
  }
  answer.prices.resize(places);
  for (std::size_t number = 0; number < places; ++number) {
    const std::uint32_t within = problem.places[number].within;
    const Graph::Node next = within == FlowProblem::none ? sink : place_node(within);
    answer.prices[number] = std::clamp<std::int64_t>(
        simplex.potential(next) - simplex.potential(place_node(number)), 0, FlowProblem::cost_max);
  }
  answer.bound = bound_at(problem, answer.prices);
  return answer;
}

}  // namespace tradewind

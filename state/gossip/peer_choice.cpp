#include "state/gossip/peer_choice.h"

#include <algorithm>

namespace tradewind {
namespace {

constexpr std::uint64_t rounds_between_silent = 10;

std::vector<NodeId> without(std::vector<NodeId> nodes, const NodeId& self) {
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  nodes.erase(std::remove(nodes.begin(), nodes.end(), self), nodes.end());
  return nodes;
}

// Moves one of the candidates that are not chosen yet to `chosen`.
void draw(std::vector<NodeId> candidates, std::vector<NodeId>& chosen, Random& random) {
  const auto taken = [&chosen](const NodeId& each) {
    return std::find(chosen.begin(), chosen.end(), each) != chosen.end();
  };
  candidates.erase(std::remove_if(candidates.begin(), candidates.end(), taken), candidates.end());
  if (!candidates.empty()) chosen.push_back(candidates[random.below(candidates.size())]);
}

std::vector<NodeId> those(const std::vector<NodeId>& nodes, const PeerChoice::Predicate& wanted) {
  std::vector<NodeId> result;
  std::copy_if(nodes.begin(), nodes.end(), std::back_inserter(result), wanted);
  return result;
}

}  // namespace

void PeerChoice::set(std::vector<NodeId> reachable, std::vector<NodeId> seeds) {
  reachable_ = without(std::move(reachable), self_);
  seeds_ = without(std::move(seeds), self_);
}

bool PeerChoice::knows(const NodeId& peer) const {
  return std::binary_search(reachable_.begin(), reachable_.end(), peer) ||
         std::binary_search(seeds_.begin(), seeds_.end(), peer);
}

std::vector<NodeId> PeerChoice::choose(std::uint64_t round, std::uint32_t fanout,
                                       const Predicate& in_own_region, const Predicate& silent,
                                       Random& random) const {
  std::vector<NodeId> chosen;
  if (random.below(2) == 0) draw(those(reachable_, in_own_region), chosen, random);
  while (chosen.size() < std::min<std::size_t>(fanout, reachable_.size())) {
    draw(reachable_, chosen, random);
  }
  if (reachable_.empty() || round % rounds_between_silent == 0) {
    std::vector<NodeId> candidates = those(reachable_, silent);
    candidates.insert(candidates.end(), seeds_.begin(), seeds_.end());
    draw(std::move(candidates), chosen, random);
  }
  return chosen;
}

}  // namespace tradewind

#include "state/gossip/peer_choice.h"

#include <algorithm>
#include <iterator>
#include <optional>

namespace tradewind {
namespace {

constexpr std::uint64_t rounds_between_silent = 10;
constexpr int blind_draws = 32;

std::vector<NodeId> without(std::vector<NodeId> nodes, const NodeId& self) {
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  nodes.erase(std::remove(nodes.begin(), nodes.end(), self), nodes.end());
  return nodes;
}

// One of those wanted that are not in `chosen` yet, each as likely as the other.
std::optional<NodeId> drawn(const std::vector<NodeId>& nodes, const PeerChoice::Predicate& wanted,
                            const std::vector<NodeId>& chosen, Random& random) {
  const auto is_candidate = [&](const NodeId& each) {
    return std::find(chosen.begin(), chosen.end(), each) == chosen.end() && wanted(each);
  };
  if (nodes.empty()) return std::nullopt;
  // Mostly some are found by trying, which spares looking at all.
  for (int attempt = 0; attempt < blind_draws; ++attempt) {
    const NodeId& each = nodes[random.below(nodes.size())];
    if (is_candidate(each)) return each;
  }
  std::vector<NodeId> candidates;
  std::copy_if(nodes.begin(), nodes.end(), std::back_inserter(candidates), is_candidate);
  if (candidates.empty()) return std::nullopt;
  return candidates[random.below(candidates.size())];
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
                                       const Traits& traits, Random& random) const {
  std::vector<NodeId> chosen;
  const auto draw = [&](const std::vector<NodeId>& from, const Predicate& wanted) {
    const auto found = drawn(from, wanted, chosen, random);
    if (found) chosen.push_back(*found);
    return found.has_value();
  };
  if (random.below(2) == 0) {
    draw(reachable_, [&](const NodeId& each) { return traits.mate(each) && traits.near(each); });
  }
  while (chosen.size() < fanout && draw(reachable_, traits.mate)) {
  }
  draw(reachable_, traits.spine);
  if (chosen.empty() || round % rounds_between_silent == 0) {
    std::vector<NodeId> candidates;
    if (traits.seeds || chosen.empty()) candidates = seeds_;
    if (const auto silent = drawn(reachable_, traits.silent, chosen, random)) {
      candidates.push_back(*silent);
    }
    draw(candidates, [](const NodeId&) { return true; });
  }
  return chosen;
}

std::vector<NodeId> PeerChoice::any(std::uint32_t count, const NodeId& except,
                                    Random& random) const {
  std::vector<NodeId> chosen;
  while (chosen.size() < count) {
    const auto found =
        drawn(reachable_, [&](const NodeId& each) { return each != except; }, chosen, random);
    if (!found) break;
    chosen.push_back(*found);
  }
  return chosen;
}

}  // namespace tradewind

// Whom to gossip with in a round.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "schemas/ids.h"
#include "state/gossip/random.h"

namespace tradewind {

class PeerChoice {
 public:
  using Predicate = std::function<bool(const NodeId&)>;

  explicit PeerChoice(NodeId self) : self_(std::move(self)) {}

  // Who can be sent to now, and who is tried now and then even when silent; oneself is left out.
  void set(std::vector<NodeId> reachable, std::vector<NodeId> seeds);
  const std::vector<NodeId>& reachable() const { return reachable_; }
  bool knows(const NodeId& peer) const;

  // What a node knows of a peer.
  struct Traits {
    Predicate mate;     // in the own cell; everybody, while there are no cells
    Predicate near;     // in the own region
    Predicate spine;    // to be told of the own cell: a broker, when one relays
    Predicate silent;   // not heard of for a while, and worth trying
    bool seeds = true;  // are worth trying while others are reachable
  };

  // `fanout` different reachable mates (all, when there are fewer): the first with one chance in
  // two a near one, the others any. Also one peer of the spine, when there is any. Every tenth
  // round also one seed or one peer that has been silent, so that cuts heal from both sides; in a
  // round that would have nobody, one of either in any case.
  std::vector<NodeId> choose(std::uint64_t round, std::uint32_t fanout, const Traits& traits,
                             Random& random) const;
  // `count` different reachable peers but for `except`; all, when there are fewer.
  std::vector<NodeId> any(std::uint32_t count, const NodeId& except, Random& random) const;

 private:
  NodeId self_;
  std::vector<NodeId> reachable_;  // sorted, without repetitions
  std::vector<NodeId> seeds_;
};

}  // namespace tradewind

// What gossip has counted, in Prometheus' text format: the same words at every node.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "state/gossip/gossip.h"

namespace tradewind {

// `verifying` is the time that was spent on checking signatures, `quarantined` how many members are
// now.
std::string metrics_text(const GossipCounters& gossip, std::chrono::nanoseconds verifying,
                         std::size_t quarantined);

}  // namespace tradewind

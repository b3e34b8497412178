// What a link has counted, in Prometheus' text format: the same words at every node.
#pragma once

#include <cstdint>
#include <string>

#include "state/link/link.h"

namespace tradewind {

// `malformed`: messages whose content the node could not decode.
std::string metrics_text(const LinkCounters& link, std::uint64_t malformed);

}  // namespace tradewind
